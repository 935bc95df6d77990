import { expect, test } from "vitest";

import { targetsOf } from "./targets";

const GPUS = [
  { name: "NVIDIA H100", index: 0 },
  { name: "NVIDIA H100", index: 1 },
  { name: "AMD EPYC", index: null },
];
const target = (reference_c: number, cool_at_c: number) => ({ reference_c, cool_at_c });
const at = (...celsius: (number | null)[]) => celsius.map((temperature_c) => ({ temperature_c }));

function read(targets: Parameters<typeof targetsOf>[0]["targets"], ...celsius: (number | null)[]) {
  return targetsOf({ targets }, GPUS, at(...celsius)).map((line) => line.replaceAll("\u2009", " "));
}

test("one device is waited for by its temperature, and the one before the first run is told", () => {
  expect(read([target(36, 37.5), null, null], 52, null, null)).toEqual([
    "Waiting for 37.5 °C; it was 36 °C before the first run",
  ]);
  expect(read([target(36, 37.5), null, null], null, null, null)).toEqual([
    "Waiting for 37.5 °C; it was 36 °C before the first run",
  ]);
});

test("a device that is cool is waited for no less: it has to be steady", () => {
  expect(read([target(36, 39), null, null], 39, null, null)).toEqual([
    "Cool, at 39 °C or less: waiting until it is steady and idle",
  ]);
});

test("of several devices each has its own temperature to come back to", () => {
  expect(read([target(36, 39), target(41, 44), null], 52, 43, null)).toEqual([
    "NVIDIA H100 0, 52 °C: waiting for 39 °C; it was 36 °C before the first run",
    "NVIDIA H100 1, 43 °C: cool, at 44 °C or less: waiting until it is steady and idle",
  ]);
});

test("a gap of fixed length waits for no temperature", () => {
  expect(read([], 52, 43, null)).toEqual([]);
});
