import { expect, test } from "vitest";

import type { RunCell } from "../../api/bindings";
import { describe, lookOf } from "./cells";

const RUN: RunCell = {
  index: 2,
  experiment: "batch_size-8",
  backend: "pytorch",
  model: "m",
  cycle: 2,
  status: "completed",
  run_id: "r",
  energy_j: 1200,
  energy_uncertainty_j: 5,
  joules_per_output_token: 0.5,
  provenance: "measured",
  grade: "b",
  duration_s: 30,
  error: null,
  gap_before_s: 60,
};

test("a completed run says its grade", () => {
  expect(describe(RUN)).toMatch(
    /^Run 3: batch_size-8, cycle 2, completed; grade B; 1\.20.kJ, 500.mJ\/token; 30.s$/,
  );
  expect(describe({ ...RUN, grade: null })).not.toContain("grade");
});

test("a run whose figures are not valid is not ticked off", () => {
  const invalid: RunCell = { ...RUN, grade: "invalid" };
  expect(lookOf(RUN).sign).toBe("✓");
  expect(lookOf(invalid).sign).toBe("!");
  expect(describe(invalid)).toContain("its figures are not valid");
});

test("a run that is not needed says why, in words and with a sign of its own", () => {
  const text = describe({ ...RUN, status: "not_needed", energy_j: null, grade: null, duration_s: null });
  expect(text).toBe(
    "Run 3: batch_size-8, cycle 2, not needed; its experiment is known well enough without it",
  );
  const signs = (
    ["planned", "waiting", "running", "completed", "failed", "interrupted", "not_needed"] as const
  ).map((status) => lookOf({ status, grade: null }).sign);
  expect(new Set(signs).size).toBe(signs.length);
});
