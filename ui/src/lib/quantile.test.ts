import { expect, test } from "vitest";

import { histogram, quantile } from "./quantile";

test("quantiles are those of NumPy and of the engine", () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([5], 0.99)).toBe(5);
  expect(quantile([], 0.5)).toBeNull();
});

test("every value is in one bin, the greatest too", () => {
  const bins = histogram([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(8);
  expect(bins[0]?.from).toBe(1);
  expect(bins.at(-1)?.to).toBe(8);
});

test("equal values are one bin", () => {
  expect(histogram([3, 3, 3])).toEqual([{ from: 3, to: 4, count: 3 }]);
  expect(histogram([])).toEqual([]);
});
