// Everything about one run: its phases, requests, devices and trace, made up from its row.
import type {
  DeviceInfo,
  Phase,
  ResultRow,
  RunDetail,
  RunMeter,
  StoredPhase,
  StoredRequest,
  Value,
} from "../api/bindings";
import type { TraceChannel, TraceWindow } from "../api/trace";
import { baselinesOf } from "./baselines";
import { envelope, STEP_S, valueOf } from "./machine";
import { partsOf } from "./parts";
import { CPU, cpuAt, GPU, gpuAt, noise, type Activity } from "./physics";
import { wallPower } from "./meter";
import { qualityOf } from "./quality";
import { gapEnd, gapOf, surroundingsOf } from "./surroundings";

const ANCHOR_NS = 5e12;

function lengths(row: ResultRow): [Phase, number][] {
  const window = row.window_s;
  const begun: [Phase, number][] = [
    ["load", 4],
    ["idle", 2],
    ["warmup", 3],
  ];
  return window === null ? begun : [...begun, ["measure", window], ["unload", 1]];
}

/** The phase at a second of the run. */
function activityAt(row: ResultRow, second: number): Activity {
  let end = 0;
  for (const [phase, length] of lengths(row)) {
    end += length;
    if (second < end) return phase;
  }
  return "none";
}

function devicesOf(row: ResultRow): DeviceInfo[] {
  if (row.provenance === "simulated") {
    return [
      { ...CPU, id: "simulated:0", name: "Simulated CPU", source: "simulated", provenance: "simulated" },
    ];
  }
  const used = [row.gpu_energy_j === null ? [] : [GPU], row.cpu_energy_j === null ? [] : [CPU]].flat();
  return used.length > 0 || row.started_at === null ? used : [GPU];
}

function phases(row: ResultRow): StoredPhase[] {
  let at = 0;
  return lengths(row).map(([phase, length], seq, all) => {
    const start_ns = ANCHOR_NS + at * 1e9;
    at += length;
    const cut = row.window_s === null && seq === all.length - 1;
    const energy = phase === "measure" ? row.energy_j : (row.mean_power_w ?? 0) * 0.55 * length;
    return {
      seq,
      phase,
      start_ns,
      end_ns: cut ? null : ANCHOR_NS + at * 1e9,
      energy_j: cut || row.energy_j === null ? null : energy,
      energy_uncertainty_j: null,
    };
  });
}

export function detail(row: ResultRow, parameters: Value, meter: RunMeter | null): RunDetail {
  const all = phases(row);
  const measured = all.find(({ phase }) => phase === "measure");
  const seconds = lengths(row).reduce((sum, [, length]) => sum + length, 0);
  const started = row.started_at === null ? null : Date.parse(row.started_at) * 1e6;
  const devices = devicesOf(row);
  const opened_ns = measured?.start_ns ?? ANCHOR_NS;
  const requests = Array.from({ length: row.requests ?? 0 }, (_, index) => request(row, index, opened_ns));
  return {
    ...row,
    devices: devices.map((device) => ({
      device_id: device.id,
      name: device.name,
      kind: device.kind,
      source: device.source,
      provenance: device.provenance,
      counter_energy_j: device.kind === "gpu" ? row.gpu_energy_j : null,
      counter_uncertainty_j: device.kind === "gpu" && row.gpu_energy_j !== null ? 0.5 : null,
      integral_energy_j: device.kind === "gpu" ? row.gpu_energy_j : row.cpu_energy_j,
      integral_uncertainty_j: row.energy_j === null ? null : row.energy_j * 0.01,
      energy_j: device.kind === "gpu" ? row.gpu_energy_j : row.cpu_energy_j,
      energy_uncertainty_j: null,
      mean_power_w: row.mean_power_w,
      start_temperature_c: device.kind === "gpu" ? row.start_temperature_c : null,
      max_temperature_c: device.kind === "gpu" ? 58 : null,
      info: device as unknown as Value,
    })),
    baselines: baselinesOf(row),
    meter,
    phases: all,
    ...partsOf(row),
    request_records: requests,
    traces: [...devices.map(({ id }) => id), ...(meter ? ["meter"] : [])].map((device_id) => ({
      device_id,
      samples: Math.round(seconds / STEP_S),
      t0_ns: ANCHOR_NS,
      t1_ns: ANCHOR_NS + seconds * 1e9,
      min_power_w: 70,
      max_power_w: 320,
    })),
    diagnostics: [],
    stderr_tail: row.error === null ? "loaded in 3.9 s\n" : `loaded in 3.9 s\n${row.error}\n`,
    started_unix_ns: started,
    ended_unix_ns: started === null ? null : started + seconds * 1e9,
    anchor_monotonic_ns: ANCHOR_NS,
    anchor_unix_ns: started,
    gap_ended_because: gapEnd(row),
    gap: gapOf(row),
    quality: row.status === "completed" ? qualityOf(row) : null,
    surroundings: surroundingsOf(row),
    window_start_ns: measured?.start_ns ?? null,
    window_end_ns: measured?.end_ns ?? null,
    result: { requests: row.requests, output_tokens: row.output_tokens },
    container: row.service === null ? null : { image: `lem-worker-${row.backend}:2.9`, service: row.service },
    sampler: { samples: Math.round(seconds / STEP_S), missed: 0 },
    warnings:
      row.provenance === "estimated"
        ? ["No sensor covers the CPU: its energy is computed from a model."]
        : [],
    parameters,
  };
}

function request(row: ResultRow, index: number, opened_ns: number): StoredRequest {
  const tokens = Math.round((row.output_tokens ?? 0) / (row.requests ?? 1));
  const latency = ((row.window_s ?? 0) * 1000) / (row.requests ?? 1);
  return {
    index,
    input_tokens: 32,
    output_tokens: tokens,
    start_ns: Math.round(opened_ns + index * latency * 1e6),
    waited_ms: null,
    in_window: null,
    ttft_ms: row.ttft_ms_p50 === null ? null : row.ttft_ms_p50 * (1 + 0.08 * noise(index)),
    latency_ms: latency * (1 + 0.04 * noise(index + 0.3)),
    itl_ms: row.ttft_ms_p50 === null ? null : [latency / Math.max(1, tokens)],
  };
}

/** The trace of a run, in seconds since its anchor. */
export function traceOf(
  row: ResultRow,
  fromS: number | null,
  toS: number | null,
  buckets: number,
  channel: TraceChannel,
  metered: boolean,
): TraceWindow {
  const endS = lengths(row).reduce((sum, [, length]) => sum + length, 0);
  const devices = devicesOf(row);
  const value = (device: number, second: number): number | null => {
    if (device === devices.length) {
      const all = devices.map((_, one) => value(one, Math.floor(second)) ?? 0);
      return channel === "power" ? wallPower(all.reduce((sum, watts) => sum + watts, 0)) : null;
    }
    const activity = activityAt(row, second);
    const warm = 40 + 16 * Math.min(1, second / 60);
    const state =
      devices[device]?.kind === "gpu" ? gpuAt(second, activity, true, warm) : cpuAt(second, activity);
    return valueOf(state, channel);
  };
  return envelope({
    fromS: fromS ?? 0,
    toS: toS ?? endS,
    buckets,
    devices: devices.length + (metered ? 1 : 0),
    endS,
    value,
  });
}
