import { expect, test } from "vitest";

import { readTraceWindow } from "./trace";

/** The bytes that `lem_engine::Window::to_bytes` writes. */
function bytes(header: number[], counts: number[], values: number[]): ArrayBuffer {
  const buffer = new ArrayBuffer(40 + values.length * 4);
  const view = new DataView(buffer);
  header.forEach((value, index) => view.setFloat64(index * 8, value, true));
  counts.forEach((value, index) => view.setUint32(32 + index * 4, value, true));
  values.forEach((value, index) => view.setFloat32(40 + index * 4, value, true));
  return buffer;
}

test("a window is a header, and for each device its minima, then its maxima", () => {
  const window = readTraceWindow(bytes([10, 0.5, 0, 20], [2, 2], [1, Number.NaN, 2, Number.NaN, 3, 4, 5, 6]));
  expect(window).toMatchObject({ fromS: 10, stepS: 0.5, extent: { beginS: 0, endS: 20 }, buckets: 2 });
  expect(window.devices.map(({ min, max }) => [[...min], [...max]])).toEqual([
    [
      [1, Number.NaN],
      [2, Number.NaN],
    ],
    [
      [3, 4],
      [5, 6],
    ],
  ]);
});

test("without data there is no extent", () => {
  const window = readTraceWindow(bytes([0, 1, Number.NaN, Number.NaN], [0, 0], []));
  expect(window.extent).toBeNull();
  expect(window.devices).toEqual([]);
});

test("bytes that are fewer or more than announced are refused, not guessed", () => {
  const short = bytes([0, 1, 0, 1], [2, 1], [1, 2, 3]);
  expect(() => readTraceWindow(short)).toThrow("a trace of 52 bytes where 56 were announced");
  const long = bytes([0, 1, 0, 1], [1, 1], [1, 2, 3]);
  expect(() => readTraceWindow(long)).toThrow("52 bytes where 48");
});
