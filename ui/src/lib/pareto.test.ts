import { expect, test } from "vitest";

import { paretoFront } from "./pareto";

test("what is beaten in both is not on the front", () => {
  const pairs = [
    { cost: 1, other: 10 },
    { cost: 2, other: 20 },
    { cost: 2, other: 5 },
  ];
  expect(paretoFront(pairs, "more")).toEqual([true, true, false]);
  expect(paretoFront(pairs, "less")).toEqual([true, false, true]);
});

test("equals are both on the front", () => {
  expect(
    paretoFront(
      [
        { cost: 1, other: 1 },
        { cost: 1, other: 1 },
      ],
      "more",
    ),
  ).toEqual([true, true]);
});
