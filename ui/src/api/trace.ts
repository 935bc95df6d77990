// Windows of traces: what the engine holds between two times, as the least and greatest value of each bucket, so that
// no peak is lost however many samples a bucket stands for.
import type { DeviceChannel } from "./bindings";

/** The quantities that can be drawn: every channel that is no counter. */
export type TraceChannel = Exclude<
  DeviceChannel,
  "energy" | "power_average" | "throttle_reasons" | "power_violation" | "thermal_violation"
>;

/** A window of the traces of several devices on one grid of time. */
export type TraceWindow = {
  /** Begin of the first bucket: seconds of the live clock, or since the anchor of a run. */
  fromS: number;
  /** Width of a bucket in seconds. */
  stepS: number;
  /** Extent of all data there is; null when there is none. */
  extent: { beginS: number; endS: number } | null;
  buckets: number;
  /** In the order of the devices; NaN where a bucket holds no sample. */
  devices: { min: Float32Array; max: Float32Array }[];
};

const HEADER_BYTES = 4 * 8 + 2 * 4;

/** Reads the bytes of `live_window` and `run_window`; the layout is that of `lem_engine::Window::to_bytes`. */
export function readTraceWindow(bytes: ArrayBuffer): TraceWindow {
  const view = new DataView(bytes);
  const buckets = view.getUint32(32, true);
  const count = view.getUint32(36, true);
  const wanted = HEADER_BYTES + count * buckets * 8;
  if (bytes.byteLength !== wanted) {
    throw new Error(`a trace of ${bytes.byteLength} bytes where ${wanted} were announced`);
  }
  const devices = Array.from({ length: count }, (_, device) => {
    const at = HEADER_BYTES + device * buckets * 8;
    return {
      min: new Float32Array(bytes, at, buckets),
      max: new Float32Array(bytes, at + buckets * 4, buckets),
    };
  });
  const beginS = view.getFloat64(16, true);
  const endS = view.getFloat64(24, true);
  return {
    fromS: view.getFloat64(0, true),
    stepS: view.getFloat64(8, true),
    extent: Number.isNaN(beginS) ? null : { beginS, endS },
    buckets,
    devices,
  };
}
