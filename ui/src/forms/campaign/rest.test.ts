import { expect, test } from "vitest";

import type { Value } from "../../api/bindings";
import type { Data, Path } from "./document";
import { baselineKind, idling, isUntilKnown, thermalMode } from "./rest";

/** A file, and what the engine says is in force. */
function looked(data: Data, told: Record<string, Value> = {}) {
  return {
    data,
    inForce: (path: Path) => {
      const value = told[path.join(".")];
      return value === undefined
        ? null
        : { value, source: { kind: "built_in" as const }, source_text: "built in" };
    },
  };
}

test("what is written is shown at once, and what is not as the engine tells", () => {
  expect(thermalMode(looked({}))).toBeNull();
  expect(thermalMode(looked({}, { "thermal.mode": "fixed" }))).toBe("fixed");
  expect(thermalMode(looked({ thermal: { mode: "hot" } }, { "thermal.mode": "fixed" }))).toBe("hot");
  expect(thermalMode(looked({ thermal: { mode: null } }, { "thermal.mode": "fixed" }))).toBe("fixed");
  expect(thermalMode(looked({ thermal: { mode: "cold" } }, { "thermal.mode": "fixed" }))).toBeNull();
});

test("a baseline is the kind that is written, unless it says no; the engine knows the other ways", () => {
  const of = (baseline: Data, told: string) =>
    baselineKind(looked({ measurement: { baseline } }, { "measurement.baseline": told }));
  expect(baselineKind(looked({}, { "measurement.baseline": "off" }))).toBe("off");
  expect(of(true, "bare")).toBe("bare");
  expect(of({}, "off")).toBe("off");
  expect(of({ duration_seconds: 20 }, "bare")).toBe("bare");
  // The engine has not heard of it yet.
  expect(of({ kind: "loaded" }, "off")).toBe("loaded");
  expect(of({ kind: "loaded", enabled: false }, "loaded")).toBe("off");
  expect(of({ kind: "warm" }, "off")).toBeNull();
});

test("cycles are a number, or a section with a target", () => {
  expect(isUntilKnown({ execution: { cycles: 4 } })).toBe(false);
  expect(isUntilKnown({ execution: { cycles: {} } })).toBe(false);
  expect(isUntilKnown({ execution: { cycles: { target_ci_percent: 2 } } })).toBe(true);
});

test("workers idle for a baseline of their own alone, and where the grid does not sweep it", () => {
  const of = (kind: string, shared: Data) =>
    idling(looked({ grid: { shared }, measurement: { baseline: { kind } } }))?.join(".") ?? null;
  expect(of("loaded", {})).toBe("grid.shared.idle_seconds");
  expect(of("context", null)).toBe("grid.shared.context_seconds");
  expect(of("loaded", { idle_seconds: 8, context_seconds: [0, 5] })).toBe("grid.shared.idle_seconds");
  expect(of("loaded", { idle_seconds: [5, 10] })).toBeNull();
  expect(of("bare", {})).toBeNull();
  expect(idling(looked({ measurement: { baseline: { kind: "loaded" } } }))).toBeNull();
});
