// How the fake machine behaves: what it draws in each phase, and how fast each backend is. Numbers are those of an H100
// PCIe and of a server CPU, rounded; noise is a function of time, so that every look at the same instant sees the same.
import type { DeviceInfo, Phase, Value } from "../api/bindings";

export const GPU: DeviceInfo = {
  id: "GPU-4f9a2c31-77d1-4b0e-9c52-0f6b9d3e8a11",
  name: "NVIDIA H100 PCIe",
  kind: "gpu",
  source: "nvml",
  provenance: "measured",
  index: 0,
  channels: ["power", "energy", "temperature", "sm_clock", "utilization", "memory_used"],
  power_averaging_ms: 1000,
  facts: { driver: "580.95.05", power_limit_w: "350", persistence: "on" },
};

export const CPU: DeviceInfo = {
  id: "estimate:cpu",
  name: "AMD EPYC 9334",
  kind: "cpu",
  source: "estimate",
  provenance: "estimated",
  index: null,
  channels: ["power", "utilization"],
  power_averaging_ms: null,
  facts: { model: "utilization times thermal design power" },
};

/** What the machine does: a phase of a worker, or nothing. */
export type Activity = Phase | "none";

const GPU_W: Record<Activity, number> = {
  none: 72,
  context: 88,
  load: 128,
  idle: 96,
  warmup: 284,
  measure: 308,
  unload: 104,
};
const CPU_W: Record<Activity, number> = {
  none: 61,
  context: 62,
  load: 118,
  idle: 66,
  warmup: 143,
  measure: 152,
  unload: 82,
};

/** Between -1 and 1. */
export function noise(at: number): number {
  const x = Math.sin(at * 127.1 + 311.7) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}

export type State = {
  power: number;
  temperature: number | null;
  sm_clock: number | null;
  utilization: number;
  memory_used: number | null;
};

export function gpuAt(t: number, activity: Activity, onGpu: boolean, temperature: number): State {
  const busy = onGpu ? activity : "none";
  const load = (GPU_W[busy] - GPU_W.none) / (GPU_W.measure - GPU_W.none);
  return {
    power: GPU_W[busy] * (1 + 0.02 * noise(t)),
    temperature: Math.round(temperature),
    sm_clock: busy === "none" ? 345 : 1755 - 15 * Math.round(2 + 2 * noise(t + 0.5)),
    utilization: Math.round(Math.max(0, Math.min(100, 97 * load + 2 * noise(t)))),
    memory_used: busy === "none" ? 0.6e9 : busy === "load" ? 9e9 : 18.4e9,
  };
}

export function cpuAt(t: number, activity: Activity): State {
  const power = CPU_W[activity] * (1 + 0.03 * noise(t + 0.25));
  return {
    power,
    temperature: null,
    sm_clock: null,
    utilization: Math.round(Math.min(100, (power - 55) * 1.02)),
    memory_used: null,
  };
}

/** Where the temperature of the board goes, in the long run. */
export function settles(power: number): number {
  return 27 + 0.115 * power;
}

/** How fast a backend generates. */
export function tokensPerSecond(backend: string, batch: number): number {
  return backend === "candle" ? 410 : 46 * batch ** 0.82;
}

/** Weights, cache and activations of this many sequences do not fit. */
export function fits(batch: number): boolean {
  return batch < 64;
}

export function numberIn(parameters: { [key in string]: Value }, key: string, fallback: number): number {
  const value = parameters[key];
  return typeof value === "number" ? value : fallback;
}
