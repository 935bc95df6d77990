import { expect, test } from "vitest";

import type { PlanRun } from "../../api/bindings";
import { blockAt, blocks } from "./blocks";

function run(gap: number, estimated: number | null): PlanRun {
  return {
    experiment: 0,
    cycle: 1,
    gap_before_s: gap,
    gap_kind: gap > 0 ? "between_experiments" : "first",
    estimated_s: estimated,
  };
}

test("blocks follow each other without a hole and fill the strip", () => {
  const all = blocks([run(0, 10), run(60, 20), run(60, null)]);
  expect(all.map((block) => block.kind)).toEqual(["run", "gap", "run", "gap", "run"]);
  expect(all[0]?.from).toBe(0);
  expect(all.at(-1)?.to).toBeCloseTo(1);
  for (const [before, after] of all.slice(1).map((block, index) => [all[index], block] as const)) {
    expect(after.from).toBeCloseTo(before?.to ?? Number.NaN);
  }
});

test("a run of unknown length is as long as the known ones are on the mean", () => {
  const all = blocks([run(0, 10), run(0, 20), run(0, null)]);
  expect(all.at(-1)?.seconds).toBeCloseTo(15);
});

test("what lies at a place is found", () => {
  const all = blocks([run(0, 10), run(10, 20)]);
  expect(blockAt(all, 0.3)?.kind).toBe("gap");
  expect(blockAt(all, 1.2)).toBeNull();
});
