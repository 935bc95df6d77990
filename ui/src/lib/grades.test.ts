import { expect, test } from "vitest";

import type { QualityCheck, QualityVerdict } from "../api/bindings";
import { checkName, reasons, sorted } from "./grades";

const check = (id: string, verdict: QualityVerdict): QualityCheck => ({
  id,
  verdict,
  value: null,
  unit: "",
  threshold: "",
  why: `why ${id}`,
});

const ALL = [
  check("window", "pass"),
  check("gap", "warn"),
  check("warm_up", "unknown"),
  check("mig", "invalid"),
  check("ecc", "warn"),
];

test("the worst come first, what is not known before what passed, and equals keep their order", () => {
  const { open, passed } = sorted(ALL);
  expect(open.map(({ id }) => id)).toEqual(["mig", "gap", "ecc", "warm_up"]);
  expect(passed.map(({ id }) => id)).toEqual(["window"]);
});

test("the reasons of a grade are those of its worst checks alone", () => {
  expect(reasons({ grade: "invalid", checks: ALL })).toEqual(["why mig"]);
  expect(reasons({ grade: "b", checks: ALL.filter(({ id }) => id !== "mig") })).toEqual([
    "why gap",
    "why ecc",
  ]);
});

test("what is not known is no reason for a grade", () => {
  expect(reasons({ grade: "a", checks: [check("warm_up", "unknown"), check("window", "pass")] })).toEqual([]);
});

test("a check is called by its words, and abbreviations by their own", () => {
  expect(["sampling_gap", "mig", "ecc", "window"].map(checkName)).toEqual([
    "Sampling gap",
    "MIG",
    "Memory errors (ECC)",
    "Window",
  ]);
});
