// The fake machine over time: a clock that is moved in tenths of seconds, and what its devices reported at each.
import type { Reading } from "../api/bindings";
import type { TraceChannel, TraceWindow } from "../api/trace";
import { CPU, cpuAt, GPU, gpuAt, settles, type Activity, type State } from "./physics";

export const STEP_S = 0.1;

export const DEVICES = [GPU, CPU];

export class Machine {
  private steps = 0;
  private temperature = 36;
  private readonly samples: State[][] = [[], []];

  get nowS(): number {
    return this.steps * STEP_S;
  }

  step(activity: Activity, onGpu: boolean): void {
    const t = this.nowS;
    const gpu = gpuAt(t, activity, onGpu, this.temperature);
    this.temperature += ((settles(gpu.power) - this.temperature) * STEP_S) / 40;
    this.samples[0]?.push(gpu);
    this.samples[1]?.push(cpuAt(t, activity));
    this.steps += 1;
  }

  /** Energy of all devices between two times, in joules. */
  energy(fromS: number, toS: number, device?: number): number {
    const [from, to] = [Math.round(fromS / STEP_S), Math.round(toS / STEP_S)];
    const chosen = device === undefined ? this.samples : [this.samples[device] ?? []];
    return chosen.reduce(
      (sum, states) => sum + states.slice(from, to).reduce((part, state) => part + state.power * STEP_S, 0),
      0,
    );
  }

  readings(): Reading[] {
    return DEVICES.map((device, index) => {
      const last = this.samples[index]?.at(-1);
      return {
        device: device.id,
        power_w: last?.power ?? null,
        temperature_c: last?.temperature ?? null,
        utilization_pct: last?.utilization ?? null,
        sm_clock_mhz: last?.sm_clock ?? null,
        memory_used_bytes: last?.memory_used ?? null,
        error: null,
      };
    });
  }

  hottest(): number {
    return Math.round(this.temperature);
  }

  window(fromS: number, toS: number, buckets: number, channel: TraceChannel): TraceWindow {
    const value = (device: number, second: number) => {
      const state = this.samples[device]?.[Math.round(second / STEP_S)];
      return state === undefined ? null : valueOf(state, channel);
    };
    return envelope({ fromS, toS, buckets, devices: DEVICES.length, endS: this.nowS, value });
  }
}

export function valueOf(state: State, channel: TraceChannel): number | null {
  return channel === "memory_temperature" || channel === "memory_clock" || channel === "memory_utilization"
    ? null
    : state[channel];
}

/** The least and the greatest value of each bucket; values exist from second 0 on, one in each tenth. */
export function envelope(of: {
  fromS: number;
  toS: number;
  buckets: number;
  devices: number;
  endS: number;
  value: (device: number, second: number) => number | null;
}): TraceWindow {
  const { fromS, toS, endS } = of;
  const buckets = Math.max(1, Math.min(of.buckets, Math.ceil((toS - fromS) / (1.5 * STEP_S))));
  const stepS = (toS - fromS) / buckets;
  const devices = Array.from({ length: of.devices }, (_, device) => {
    const min = new Float32Array(buckets).fill(Number.NaN);
    const max = new Float32Array(buckets).fill(Number.NaN);
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const begin = Math.max(0, Math.ceil((fromS + bucket * stepS) / STEP_S));
      const end = Math.min(Math.floor(endS / STEP_S), Math.ceil((fromS + (bucket + 1) * stepS) / STEP_S));
      for (let at = begin; at < end; at += 1) {
        const value = of.value(device, at * STEP_S);
        if (value === null) continue;
        // Nothing is less or greater than NaN: the first value stands.
        const [low, high] = [min[bucket] ?? Number.NaN, max[bucket] ?? Number.NaN];
        min[bucket] = low < value ? low : value;
        max[bucket] = high > value ? high : value;
      }
    }
    return { min, max };
  });
  return { fromS, stepS, extent: endS > 0 ? { beginS: 0, endS } : null, buckets, devices };
}
