// The fake must not tell what the engine would not: its statistics against tables and worked examples.
import { expect, test } from "vitest";

import { describe as described } from "./describe";
import { bootstrap, line, paired } from "./inference";
import { student975, twoSidedP } from "./student";

test("Student's quantiles and tails are those of the tables", () => {
  const quantiles = [1, 2, 4, 9, 29].map((freedom) => student975(freedom).toFixed(3));
  expect(quantiles).toEqual(["12.706", "4.303", "2.776", "2.262", "2.045"]);
  expect(twoSidedP(0, 5)).toBeCloseTo(1, 9);
  expect(twoSidedP(3.365, 5)).toBeCloseTo(0.02, 4);
});

test("a line is that of least squares, and points on it are not tested", () => {
  const exact = line([
    [1, 5],
    [2, 7],
    [4, 11],
  ]);
  expect(exact).toMatchObject({ n: 3, p: null });
  expect([exact?.slope, exact?.intercept, exact?.r_squared].map((x) => x?.toFixed(6))).toEqual([
    "2.000000",
    "3.000000",
    "1.000000",
  ]);
  const scattered = line([
    [1, 1],
    [2, 3],
    [3, 2],
    [4, 5],
  ]);
  // By hand: slope 1.1, residual sum of squares 2.7, standard error 0.5196, t 2.117 at 2 degrees of freedom.
  expect(scattered?.slope).toBeCloseTo(1.1, 9);
  expect(scattered?.p).toBeCloseTo(0.1685, 3);
});

test("two points, and points above each other, have no line", () => {
  expect(
    line([
      [1, 1],
      [2, 2],
    ]),
  ).toBeNull();
  expect(
    line([
      [7, 1],
      [7, 2],
      [7, 3],
    ]),
  ).toBeNull();
});

test("pairs are of the cycles that both have", () => {
  const found = paired(
    new Map([
      [1, 10],
      [2, 11],
      [3, 12],
      [9, 1e6],
    ]),
    new Map([
      [1, 12],
      [2, 12],
      [3, 15],
      [7, 1],
    ]),
  );
  expect(found).toMatchObject({
    n: 3,
    cycles: [1, 2, 3],
    mean_a: 11,
    mean_b: 13,
    difference: 2,
    sd: 1,
    d_z: 2,
  });
  expect(found?.p).toBeCloseTo(0.0742, 3);
  expect(paired(new Map([[1, 1]]), new Map([[1, 2]]))).toBeNull();
});

test("a bootstrap interval takes five values, holds their mean, and is the same each time", () => {
  expect(bootstrap([1, 2, 3, 4])).toBeNull();
  expect(bootstrap([2, 2, 2, 2, 2])).toBeNull();
  const interval = bootstrap([4, 8, 15, 16, 23, 42]);
  expect(interval?.low).toBeLessThan(18);
  expect(interval?.high).toBeGreaterThan(18);
  expect(bootstrap([4, 8, 15, 16, 23, 42])).toEqual(interval);
});

test("a value that lies far from the others is flagged and counts", () => {
  expect(described([1, 1.01, 0.99, 1, 1.02, 3])).toMatchObject({ n: 6, outliers: [5], max: 3 });
  expect(described([1, 9])?.outliers).toEqual([]);
});
