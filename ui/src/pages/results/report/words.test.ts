import { expect, test } from "vitest";

import type { ExperimentSummary, Line, RunPoint } from "../../../api/bindings";
import { THIN } from "../../../lib/format";
import { AGAINST, hint, noLine, percents, slopeText } from "./words";

const read = (text: string) => text.replaceAll(THIN, " ").replaceAll("\u00a0", " ");
const [byTemperature, byPosition] = AGAINST;
if (byTemperature === undefined || byPosition === undefined) throw new Error("two are told apart");

const LINE: Line = {
  n: 6,
  slope: 0.31,
  intercept: 90,
  slope_low: -0.05,
  slope_high: 0.67,
  p: 0.07,
  r_squared: 0.6,
};

const point = (index: number, joules: number | null, start_temperature_c: number | null): RunPoint => ({
  run_id: `r${index}`,
  index,
  cycle: index + 1,
  start_temperature_c,
  joules_per_output_token: joules,
  output_tokens: 10,
  grade: "a",
  outlier: false,
});

const STATISTIC = {
  n: 2,
  mean: 2,
  median: 2,
  sd: null,
  cv: null,
  mad: 0,
  ci_low: null,
  ci_high: null,
  min: 1,
  max: 3,
  outliers: [],
  values: [1, 3],
};

test("a slope is told with its interval, its p and its number of runs", () => {
  expect(read(slopeText(LINE, byTemperature))).toBe(
    "+0.310 % for each °C (95 % interval −0.05 to 0.67 %), p = 0.070, n = 6",
  );
  expect(slopeText({ ...LINE, p: null }, byPosition)).toContain("no p: the points do not scatter");
});

test("too few runs, and runs that are alike, are told apart", () => {
  expect(noLine(1, byTemperature)).toBe(
    "1 run has joules per token and a start temperature: a slope takes three or more.",
  );
  expect(noLine(4, byTemperature)).toBe(
    "All 4 runs started at the same temperature: there is no slope to be seen.",
  );
});

test("energy is told in percent of its mean, of runs that have both values", () => {
  const summary = {
    points: [point(0, 1, 40), point(1, 3, null), point(2, null, 41)],
    joules_per_output_token: STATISTIC,
  } as unknown as ExperimentSummary;
  expect(percents(summary, byTemperature).map(({ x, y }) => [x, y])).toEqual([[40, 50]]);
  expect(percents(summary, byPosition).map(({ x, y }) => [x, y])).toEqual([
    [1, 50],
    [2, 150],
  ]);
  expect(percents({ ...summary, joules_per_output_token: null }, byPosition)).toEqual([]);
});

test("a flag of fewer than five values is a weak hint", () => {
  expect(hint({ ...STATISTIC, n: 4 })).toBe("weak hint");
  expect(hint({ ...STATISTIC, n: 5 })).toBeNull();
});
