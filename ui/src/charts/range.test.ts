import { expect, test } from "vitest";

import { fetched, moved, serves, zoomed } from "./range";

const range = { fromS: 100, toS: 200 };

test("zooming keeps the point under the pointer where it is", () => {
  const near = zoomed(range, 0.5, 125);
  expect(near).toEqual({ fromS: 112.5, toS: 162.5 });
  expect((125 - near.fromS) / (near.toS - near.fromS)).toBeCloseTo(0.25);
});

test("zooming ends where there is nothing more to see", () => {
  const near = zoomed(range, 1e-9, 150);
  expect(near.toS - near.fromS).toBeCloseTo(0.2);
});

test("data that was fetched serves a small move, not a large one nor a deep zoom", () => {
  const data = fetched(range);
  expect(serves(data, moved(range, 0.5))).toBe(true);
  expect(serves(data, moved(range, 1.5))).toBe(false);
  expect(serves(data, zoomed(range, 0.2, 150))).toBe(false);
  expect(serves(null, range)).toBe(false);
});
