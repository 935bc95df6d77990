import { expect, test } from "vitest";

import type { Paired } from "../../api/bindings";
import { THIN } from "../../lib/format";
import { saying } from "./Pairs";

const PAIR: Paired = {
  n: 4,
  cycles: [1, 2, 3, 4],
  mean_a: 2,
  mean_b: 1.5,
  difference: -0.5,
  sd: 0.1,
  ci_low: -0.66,
  ci_high: -0.34,
  bca_low: null,
  bca_high: null,
  ratio: 0.75,
  ratio_low: 0.7,
  ratio_high: 0.8,
  p: 0.002,
  d_z: -5,
};

const read = (pair: Partial<Paired>) => saying({ ...PAIR, ...pair }).replaceAll(THIN, " ");

test("a difference is told with its size and direction", () => {
  expect(read({})).toBe("25.0 % less energy for each output token");
  expect(read({ difference: 0.5, ci_low: 0.3, ci_high: 0.7, ratio: 1.25 })).toBe(
    "25.0 % more energy for each output token",
  );
});

test("an interval that holds 0 shows no difference, whatever the ratio", () => {
  expect(read({ ci_high: 0.01 })).toBe("no difference is shown");
});

test("without a ratio the size is in joules", () => {
  expect(read({ ratio: null })).toBe("500 mJ/token less energy for each output token");
});
