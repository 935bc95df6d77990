import { expect, test } from "vitest";

import type { TraceWindow } from "../api/trace";
import { columns, summary } from "./columns";

function window(min: number[], max: number[]): TraceWindow {
  return {
    fromS: 10,
    stepS: 2,
    extent: { beginS: 10, endS: 10 + 2 * min.length },
    buckets: min.length,
    devices: [{ min: Float32Array.from(min), max: Float32Array.from(max) }],
  };
}

test("each bucket is two points within its stretch of time", () => {
  const [x, y] = columns(window([1, 2], [5, 6]));
  expect(x).toEqual([10.5, 11.5, 12.5, 13.5]);
  expect(y).toEqual([1, 5, 2, 6]);
});

test("a peak in one bucket is drawn, whichever way the line goes", () => {
  const [, y] = columns(window([1, 1, 1], [9, 900, 3]));
  expect(Math.max(...(y ?? []).map((value) => value ?? 0))).toBe(900);
  expect(y).toEqual([1, 9, 900, 1, 3, 1]);
});

test("an edge within a bucket is drawn the way it goes", () => {
  const [, falling] = columns(window([128, 96, 95], [130, 130, 97]));
  expect(falling?.slice(2, 4)).toEqual([130, 96]);
  const [, rising] = columns(window([95, 96, 128], [97, 130, 130]));
  expect(rising?.slice(2, 4)).toEqual([96, 130]);
});

test("a bucket without a sample is a gap, not zero", () => {
  const [, y] = columns(window([1, Number.NaN, 3], [1, Number.NaN, 3]));
  expect(y).toEqual([1, 1, null, null, 3, 3]);
});

test("the summary leaves gaps out", () => {
  expect(summary(window([4, Number.NaN, 2], [5, Number.NaN, 8]), 0)).toEqual({ min: 2, max: 8, last: 8 });
  expect(summary(window([Number.NaN], [Number.NaN]), 0)).toBeNull();
});
