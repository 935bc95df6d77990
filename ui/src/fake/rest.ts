// What a campaign of the fake says of its thermal gaps, of its baseline, and of when it has cycles enough; with what is
// built in where it says nothing.
import type { ResolvedSeconds, Value } from "../api/bindings";
import { describe } from "./describe";
import { Located } from "./settings";

type Map_ = { [key in string]: Value };

export type Thermal = {
  mode: "fixed" | "adaptive" | "hot";
  minS: number;
  max: ResolvedSeconds;
  toleranceC: number;
};
/** A baseline that is taken before every run, or before the first one and looked at later. */
export type Baseline = { seconds: number; fresh: boolean };
export type Stopping = { min: number; max: number; targetPercent: number };
export type Rest = { thermal: Thermal; baseline: Baseline | null; stopping: Stopping | null };

export function mapping(value: Value | undefined): Map_ {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

export function restOf(text: string): Rest {
  const located = new Located(text);
  const root = mapping(located.document.errors.length > 0 ? null : (located.document.toJS() as Value));
  return { thermal: thermalOf(root, located), baseline: baselineOf(root), stopping: stoppingOf(root) };
}

/** A number of the campaign with its line, or the one that is built in. */
export function resolved(
  located: Located,
  path: string[],
  fallback: ResolvedSeconds | number,
): ResolvedSeconds {
  const [value, at] = [located.document.getIn(path), located.place(path)];
  if (typeof value === "number" && at !== null) {
    const source = { kind: "campaign", line: at.line } as const;
    return { value, source, source_text: `campaign file, line ${at.line}` };
  }
  if (typeof fallback !== "number") return fallback;
  return { value: fallback, source: { kind: "built_in" }, source_text: "built in" };
}

function thermalOf(root: Map_, located: Located): Thermal {
  const own = mapping(root.thermal);
  const number = (key: string, fallback: number) => resolved(located, ["thermal", key], fallback);
  return {
    mode: own.mode === "adaptive" || own.mode === "hot" ? own.mode : "fixed",
    minS: number("min_seconds", 10).value,
    max: number("max_seconds", 300),
    toleranceC: number("tolerance_c", 3).value,
  };
}

function baselineOf(root: Map_): Baseline | null {
  const written = mapping(root.measurement).baseline;
  const own = mapping(written);
  if (written !== true && (Object.keys(own).length === 0 || own.enabled === false)) return null;
  const seconds = typeof own.duration_seconds === "number" ? own.duration_seconds : 30;
  return { seconds, fresh: own.strategy === "fresh" };
}

function stoppingOf(root: Map_): Stopping | null {
  const own = mapping(mapping(root.execution).cycles);
  if (typeof own.target_ci_percent !== "number") return null;
  const min = typeof own.min === "number" ? own.min : 5;
  const max = typeof own.max === "number" ? own.max : Math.max(20, min);
  return { min, max, targetPercent: own.target_ci_percent };
}

/** Half of the 95 % interval in percent of the mean, where that is enough. */
export function enough(values: number[], { min, targetPercent }: Stopping): number | null {
  const known = describe(values);
  if (values.length < min || known?.ci_high == null) return null;
  const percent = (100 * (known.ci_high - known.mean)) / known.mean;
  return percent <= targetPercent ? percent : null;
}
