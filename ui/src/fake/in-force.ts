// What keys of a campaign come to: as written, else by the settings, else built in. The engine looks at values more closely
// (`crates/lem-spec/src/campaign/in_force.rs`).
import { isCollection } from "yaml";

import type { ResolvedSeconds, ResolvedValue, Value } from "../api/bindings";
import { gap, Located } from "./settings";

export type InForce = { [path in string]: ResolvedValue };

const BUILT_IN: { [path in string]: Value } = {
  "execution.structure": "interleaved",
  "execution.warmup_prompts": 5,
  "execution.warmup_timeout_seconds": 30,
  "thermal.mode": "fixed",
  "thermal.min_seconds": 10,
  "thermal.max_seconds": 300,
  "thermal.tolerance_c": 3,
  "measurement.interval_ms": 50,
  "measurement.baseline.kind": "bare",
  "measurement.baseline.duration_seconds": 30,
  "measurement.baseline.strategy": "validated",
  "measurement.baseline.cache_ttl_seconds": 7200,
  "measurement.baseline.validation_interval": 5,
  "measurement.baseline.drift_threshold": 0.1,
};
const BASELINE = "measurement.baseline";

/** What is in force of a text, with settings. */
export function inForceOf(text: string, settings: string): InForce {
  const located = new Located(text);
  if (located.document.errors.length > 0) return {};
  const at = (path: string, below: ResolvedValue) => resolved(located, path, below);
  const told: InForce = {
    "execution.config_gap_seconds": at("execution.config_gap_seconds", gap(settings, "between_experiments")),
    "execution.cycle_gap_seconds": at("execution.cycle_gap_seconds", gap(settings, "between_cycles")),
  };
  for (const [path, value] of Object.entries(BUILT_IN)) told[path] = at(path, builtIn(value));
  const chosen = baseline(located, told[`${BASELINE}.kind`]);
  return { ...told, [BASELINE]: chosen, ...cycles(located, at), ...idling(chosen, told, at) };
}

type At = (path: string, below: ResolvedValue) => ResolvedValue;

function cycles(located: Located, at: At): InForce {
  if (plain(located, "execution.cycles.target_ci_percent") === undefined) {
    return { "execution.cycles": at("execution.cycles", builtIn(3)) };
  }
  const least = at("execution.cycles.min", builtIn(5));
  const most = at("execution.cycles.max", builtIn(Math.max(20, Number(least.value))));
  return { "execution.cycles.min": least, "execution.cycles.max": most };
}

/** Workers wait for a baseline of their own, for as long as it is recorded unless the grid says. */
function idling(chosen: ResolvedValue, told: InForce, at: At): InForce {
  const length = told[`${BASELINE}.duration_seconds`] ?? builtIn(0);
  const of = (key: string, kind: string) =>
    at(`grid.shared.${key}`, chosen.value === kind ? length : builtIn(0));
  return {
    "grid.shared.idle_seconds": of("idle_seconds", "loaded"),
    "grid.shared.context_seconds": of("context_seconds", "context"),
  };
}

/** A number of seconds among them. */
export function secondsIn(told: InForce, path: string): ResolvedSeconds {
  const { value, source, source_text } = told[path] ?? builtIn(0);
  return { value: Number(value), source, source_text };
}

function builtIn(value: Value): ResolvedValue {
  return { value, source: { kind: "built_in" }, source_text: "built in" };
}

function written(value: Value, line: number): ResolvedValue {
  return { value, source: { kind: "campaign", line }, source_text: `campaign file, line ${line}` };
}

/** What is written at a path; undefined of a section or a list. */
function plain(located: Located, path: string): Value | undefined {
  const said = located.document.getIn(path.split("."));
  return said === null || said === undefined || isCollection(said) ? undefined : (said as Value);
}

/** A value of the campaign with its line, or the one below it. */
function resolved(located: Located, path: string, below: ResolvedValue): ResolvedValue {
  const [said, at] = [plain(located, path), located.place(path.split("."))];
  if (said === undefined || at === null) return below;
  return written(said, at.line);
}

/** `off` or the kind: whoever writes the section wants one, unless it says no. */
function baseline(located: Located, kind: ResolvedValue | undefined): ResolvedValue {
  const section = located.document.getIn(BASELINE.split("."));
  const isSection = isCollection(section) && section.items.length > 0;
  const isOn = isSection ? plain(located, `${BASELINE}.enabled`) !== false : section === true;
  const value = isOn ? (kind?.value ?? "bare") : "off";
  const at = located.place(BASELINE.split("."));
  return at === null ? builtIn(value) : written(value, at.line);
}
