// From a window of traces to what uPlot draws: two points for each bucket, its least and its greatest value, so that a
// peak of one sample is seen at any zoom.
import type { TraceWindow } from "../api/trace";

export type Columns = [number[], ...(number | null)[][]];

/** x and one column for each device. A bucket without a sample is a gap. */
export function columns(window: TraceWindow): Columns {
  const { buckets, fromS, stepS } = window;
  const x = Array.from(
    { length: buckets * 2 },
    (_, i) => fromS + ((i >> 1) + (i % 2 === 0 ? 0.25 : 0.75)) * stepS,
  );
  const series = window.devices.map(({ min, max }) =>
    Array.from({ length: buckets * 2 }, (_, i) => {
      // Rising edges go from the least to the greatest, falling ones the other way, so that the line does not zigzag more
      // than the data.
      const bucket = i >> 1;
      const [low, high] = [min[bucket] ?? Number.NaN, max[bucket] ?? Number.NaN];
      if (Number.isNaN(low)) return null;
      const before = max[bucket - 1] ?? Number.NaN;
      const after = max[bucket + 1] ?? Number.NaN;
      const falling = before > (Number.isNaN(after) ? high : after);
      return (i % 2 === 0) !== falling ? low : high;
    }),
  );
  return [x, ...series];
}

/** The least, the greatest and the last value of a device; null where there is none. */
export function summary(
  window: TraceWindow,
  device: number,
): { min: number; max: number; last: number } | null {
  const data = window.devices[device];
  if (data === undefined) return null;
  let [min, max, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  for (let bucket = 0; bucket < window.buckets; bucket += 1) {
    const [low, high] = [data.min[bucket] ?? Number.NaN, data.max[bucket] ?? Number.NaN];
    if (Number.isNaN(low)) continue;
    min = Math.min(min, low);
    max = Math.max(max, high);
    last = high;
  }
  return Number.isNaN(last) ? null : { min, max, last };
}
