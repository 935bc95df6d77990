import { expect, test } from "vitest";

import { timeLabel } from "./uplot";

function labels(ticks: number[], epochUnixMs: number | null = null) {
  return ticks.map((tick) => timeLabel(tick, epochUnixMs, ticks));
}

test("ticks are told apart, however near they are", () => {
  expect(labels([0, 10, 20])).toEqual(["0 s", "10 s", "20 s"]);
  expect(labels([-0.5, 0, 0.5])).toEqual(["-0.5 s", "0.0 s", "0.5 s"]);
  expect(labels([0.1, 0.2, 0.3])).toEqual(["0.1 s", "0.2 s", "0.3 s"]);
  expect(labels([-0.05, -0.000001, 0.05])).toEqual(["-0.05 s", "0.00 s", "0.05 s"]);
});

test("the time of day has parts of a second only where they tell ticks apart", () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
  expect(labels([0, 60], at)).toEqual(["03:04", "03:05"]);
  expect(labels([0, 5], at)).toEqual(["03:04:05", "03:04:10"]);
  expect(labels([0.05, 0.1], at)).toEqual(["03:04:05.05", "03:04:05.10"]);
});
