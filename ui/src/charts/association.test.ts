import { expect, test } from "vitest";

import { ends } from "./association";

test("the line reaches from the first to the last point and no further", () => {
  const line = { n: 3, slope: 2, intercept: 1, slope_low: 1, slope_high: 3, p: 0.01, r_squared: 0.9 };
  const dots = [5, 3, 4].map((x) => ({ name: "", x, y: 0, standsOut: false }));
  expect(ends(line, dots)).toEqual([
    [3, 7],
    [5, 11],
  ]);
});
