import { expect, test } from "vitest";

import { withLevels } from "./levels";

const line = { device: 0, value: 42, label: "42 °C" };

test("a line that the curve has not come to yet is in view", () => {
  expect(withLevels([60, 74], [line])).toEqual([42, 74]);
  expect(withLevels([30, 35], [line])).toEqual([30, 42]);
});

test("a line alone is in view, and without anything there is nothing to hold", () => {
  expect(withLevels(null, [line])).toEqual([42, 42]);
  expect(withLevels(null, [])).toBeNull();
});

test("without lines only the values are held", () => {
  expect(withLevels([0, 300], [])).toEqual([0, 300]);
});
