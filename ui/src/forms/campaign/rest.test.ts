import { expect, test } from "vitest";

import type { Data } from "./document";
import { baselineKind, inForce, isUntilKnown, thermalMode } from "./rest";

function of(baseline: Data) {
  return baselineKind({ measurement: { baseline } });
}

test("a baseline is taken when the section is there, unless it says no", () => {
  expect(baselineKind({})).toBe("off");
  expect(of(true)).toBe("bare");
  expect(of(false)).toBe("off");
  expect(of({})).toBe("off");
  expect(of({ duration_seconds: 20 })).toBe("bare");
  expect(of({ kind: "loaded" })).toBe("loaded");
  expect(of({ kind: "loaded", enabled: false })).toBe("off");
  expect(of({ kind: "warm" })).toBeNull();
});

test("gaps are fixed unless the file says otherwise", () => {
  expect(thermalMode({})).toBe("fixed");
  expect(thermalMode({ thermal: { mode: "adaptive" } })).toBe("adaptive");
  expect(thermalMode({ thermal: { mode: "cold" } })).toBeNull();
});

test("cycles are a number, or a section with a target", () => {
  expect(isUntilKnown({ execution: { cycles: 4 } })).toBe(false);
  expect(isUntilKnown({ execution: { cycles: {} } })).toBe(false);
  expect(isUntilKnown({ execution: { cycles: { target_ci_percent: 2 } } })).toBe(true);
});

test("where the file says nothing, what is built in is in force", () => {
  const path = ["thermal", "tolerance_c"];
  expect(inForce({}, path)).toEqual({ value: 3, written: false });
  expect(inForce({ thermal: { tolerance_c: 1.5 } }, path)).toEqual({ value: 1.5, written: true });
});
