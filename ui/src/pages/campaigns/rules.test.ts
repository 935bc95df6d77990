import { expect, test } from "vitest";

import type { Baseline, Thermal } from "../../api/bindings";
import { rulesOf } from "./rules";

const FIXED: Thermal = {
  mode: { value: "fixed", source: { kind: "built_in" } },
  min_s: { value: 10, source: { kind: "built_in" } },
  max_s: { value: 300, source: { kind: "built_in" } },
  tolerance_c: { value: 3, source: { kind: "built_in" } },
};
const BASELINE: Baseline = {
  kind: "bare",
  duration_s: 30,
  strategy: "validated",
  ttl_s: 7200,
  validation_interval: 5,
  drift_threshold: 0.07,
};
const seconds = (value: number) => ({
  value,
  source: { kind: "built_in" as const },
  source_text: "built in",
});
const PLAN = {
  thermal: FIXED,
  baseline: null,
  stopping: null,
  cycles: 3,
  in_force: { "execution.config_gap_seconds": seconds(45), "execution.cycle_gap_seconds": seconds(120) },
};
const inMode = (value: Thermal["mode"]["value"]) => ({
  ...FIXED,
  mode: { value, source: { kind: "built_in" as const } },
});

function text(name: string, plan: Parameters<typeof rulesOf>[0]): string | undefined {
  // A thin space is for the eye.
  return rulesOf(plan)
    .find((rule) => rule.name === name)
    ?.text.replaceAll("\u2009", " ");
}

test("a plan says how its gaps end", () => {
  expect(text("Gaps", PLAN)).toBe("fixed, 45 s within a cycle, 2 min 00 s where it changes");
  expect(text("Gaps", { ...PLAN, thermal: inMode("adaptive") })).toBe(
    "adaptive, 10 s to 5 min 00 s, to within 3 °C of the first start; one before the first run too",
  );
  expect(text("Gaps", { ...PLAN, thermal: inMode("hot") })).toBe(
    "hot, none: warm-up until the temperature is steady, 5 min 00 s at most",
  );
});

test("a plan says which baseline is taken, and when anew", () => {
  const of = (by: Partial<Baseline>, thermal = FIXED) =>
    text("Baseline", { ...PLAN, thermal, baseline: { ...BASELINE, ...by } })?.replace(
      /; its time comes on top$/,
      "",
    );
  expect(text("Baseline", PLAN)).toBe("none");
  expect(text("Baseline", { ...PLAN, baseline: BASELINE })).toBe(
    "bare for 30 s, validated every 5 runs; its time comes on top",
  );
  expect(of({ validation_interval: 1 })).toBe("bare for 30 s, validated every run");
  expect(of({ strategy: "fresh" })).toBe("bare for 30 s, fresh before every run");
  expect(of({ kind: "loaded", strategy: "cached" })).toBe(
    "loaded in each run, bare for 30 s, cached for 2 h 00 min",
  );
  // Devices that stay hot are at rest once.
  expect(of({}, inMode("hot"))).toBe("bare for 30 s, once");
});

test("a plan says when an experiment was run often enough", () => {
  expect(text("Runs", PLAN)).toBe("each experiment 3 times");
  expect(text("Runs", { ...PLAN, cycles: 1 })).toBe("each experiment once");
  expect(text("Runs", { ...PLAN, cycles: 20, stopping: { min_cycles: 5, target: 0.02 } })).toBe(
    "each experiment until its 95 % interval is within ±2 % of the mean, 5 to 20 times",
  );
});
