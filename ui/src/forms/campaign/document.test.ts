import { expect, test } from "vitest";

import { dataOf, unreadable, valueAt, withValue } from "./document";

const TEXT = `# A study
campaign_name: study   # of energy
mine: {kept: yes}

grid:
  backends: [pytorch, vllm]
  models:
    - a/b        # the small one
    - c/d
  shared:
    max_output_tokens: [64, 128]     # short and long
    "fp_precision": 'float16'

execution:
  cycles: 3
  config_gap_seconds: 60             # seconds
# the end
`;

test("a scalar is replaced and not a byte else", () => {
  expect(withValue(TEXT, ["execution", "config_gap_seconds"], 45)).toBe(TEXT.replace("60 ", "45 "));
  expect(withValue(TEXT, ["campaign_name"], "two: words")).toBe(
    TEXT.replace("name: study ", 'name: "two: words" '),
  );
});

test("a list in one line is replaced where it stands, with its comment", () => {
  const text = withValue(TEXT, ["grid", "shared", "max_output_tokens"], [32, 64, 256]);
  expect(text).toBe(TEXT.replace("[64, 128]", "[32, 64, 256]"));
});

test("a list of lines keeps every comment outside of it", () => {
  const text = withValue(TEXT, ["grid", "models"], ["a/b", "e/f"]);
  expect(valueAt(text, ["grid", "models"])).toEqual(["a/b", "e/f"]);
  for (const comment of ["# A study", "# of energy", "# short and long", "# seconds", "# the end"]) {
    expect(text).toContain(comment);
  }
  expect(valueAt(text, ["mine"])).toEqual({ kept: "yes" });
});

test("a new key comes at the end of its section", () => {
  const text = withValue(TEXT, ["execution", "seed"], 7);
  expect(text).toBe(TEXT.replace("# seconds\n", "# seconds\n  seed: 7\n"));
});

test("a new section comes at the end, and goes with its last key", () => {
  const text = withValue(TEXT, ["measurement", "interval_ms"], 50);
  expect(valueAt(text, ["measurement"])).toEqual({ interval_ms: 50 });
  expect(dataOf(withValue(text, ["measurement", "interval_ms"], undefined))).toEqual(dataOf(TEXT));
  expect(text).toContain("# the end");
});

test("a key that is taken out takes its line with it and nothing else", () => {
  const text = withValue(TEXT, ["execution", "config_gap_seconds"], undefined);
  expect(text).toBe(TEXT.replace("  config_gap_seconds: 60             # seconds\n", ""));
  expect(withValue(TEXT, ["execution", "nothing"], undefined)).toBe(TEXT);
});

test("words that YAML would read as something else are quoted", () => {
  const text = withValue(TEXT, ["grid", "shared", "decoder.preset"], ["on", "1e3", "true", "plain"]);
  expect(valueAt(text, ["grid", "shared", "decoder.preset"])).toEqual(["on", "1e3", "true", "plain"]);
});

test("an empty text and one of comments only take a first key", () => {
  expect(dataOf(withValue("", ["execution", "cycles"], 2))).toEqual({ execution: { cycles: 2 } });
  expect(withValue("# mine\n", ["campaign_name"], "x")).toBe("# mine\ncampaign_name: x\n");
});

test("anchors and merge keys are followed, and a change does not leak", () => {
  const text = "base: &b {cycles: 2, seed: 1}\nexecution:\n  <<: *b\n  cycles: 3\n";
  const after = withValue(text, ["execution", "seed"], 9);
  expect(valueAt(after, ["execution"])).toMatchObject({ cycles: 3, seed: 9 });
  expect(valueAt(after, ["base"])).toEqual({ cycles: 2, seed: 1 });
});

test("a text that is not YAML says where", () => {
  expect(unreadable("a: [1\nb: 2\n")?.line).toBeGreaterThan(0);
  expect(unreadable("- a\n- b\n")?.message).toContain("mapping");
  expect(unreadable(TEXT)).toBeNull();
});

const CYCLES = `execution:
  cycles:             # how often
    min: 5            # fewer say little
    target_ci_percent: 2
    mine: kept        # nobody knows it
  seed: 7   # drawn
measurement: {baseline: true,  interval_ms: 50}   # as ever
`;

test("a number gives way to a section in its place, with its comment", () => {
  const text = withValue(TEXT, ["execution", "cycles", "target_ci_percent"], 2);
  expect(text).toBe(TEXT.replace("cycles: 3", "cycles: {target_ci_percent: 2}"));
  expect(withValue(text, ["execution", "cycles"], 3)).toBe(TEXT);
});

test("a key is changed and put into a section of any layout, and what nobody knows stays", () => {
  const lines = withValue(CYCLES, ["execution", "cycles", "max"], 12);
  expect(lines).toBe(CYCLES.replace("# nobody knows it\n", "# nobody knows it\n    max: 12\n"));
  expect(withValue(lines, ["execution", "cycles", "min"], 6)).toBe(lines.replace("min: 5", "min: 6"));
  const braces = withValue(CYCLES, ["measurement", "devices"], "auto");
  expect(braces).toBe(CYCLES.replace("interval_ms: 50}", "interval_ms: 50, devices: auto}"));
});

test("a section in lines gives way to a number beside its key", () => {
  const text = withValue(CYCLES, ["execution", "cycles"], 4);
  expect(text).toContain("  cycles: 4             # how often\n  seed: 7   # drawn\n");
  expect(dataOf(text)).toEqual({
    execution: { cycles: 4, seed: 7 },
    measurement: { baseline: true, interval_ms: 50 },
  });
});

test("a key between braces goes with its comma, first, last or alone", () => {
  const interval = ["measurement", "interval_ms"];
  const alone = withValue(CYCLES, interval, undefined);
  expect(alone).toContain("measurement: {baseline: true}   # as ever\n");
  expect(withValue(CYCLES, ["measurement", "baseline"], undefined)).toContain(
    "measurement: {interval_ms: 50}",
  );
  expect(dataOf(withValue(alone, ["measurement", "baseline"], undefined))).not.toHaveProperty("measurement");
});

test("a switch gives way to a section between braces", () => {
  const text = withValue(CYCLES, ["measurement", "baseline", "kind"], "loaded");
  expect(text).toContain("measurement: {baseline: {kind: loaded},  interval_ms: 50}   # as ever");
  expect(withValue("execution:   # later\n", ["execution", "seed"], 1)).toContain("# later");
});
