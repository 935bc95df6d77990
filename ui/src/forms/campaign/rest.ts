// How a campaign brings its devices back to rest, what it records of them there, and when it has cycles enough: what the
// file says of it, and what is built in where it says nothing (`crates/lem-spec/src/campaign/thermal.rs`).
import { valueIn, type Data, type Path } from "./document";

export type ThermalMode = "fixed" | "adaptive" | "hot";
export type BaselineKind = "bare" | "context" | "loaded";

export const MODE = ["thermal", "mode"] as const;
export const CYCLES = ["execution", "cycles"] as const;
export const TARGET = [...CYCLES, "target_ci_percent"] as const;
export const BASELINE = ["measurement", "baseline"] as const;

/** By dotted path. The engine's preview does not tell these. */
export const BUILT_IN: Record<string, number | string> = {
  "thermal.mode": "fixed",
  "thermal.min_seconds": 10,
  "thermal.max_seconds": 300,
  "thermal.tolerance_c": 3,
  "execution.cycles": 3,
  "execution.cycles.min": 5,
  "execution.cycles.max": 20,
  "measurement.baseline": "off",
  "measurement.baseline.kind": "bare",
  "measurement.baseline.duration_seconds": 30,
  "measurement.baseline.strategy": "validated",
};

/** What is in force at a path, and whether the file says so. */
export type InForce = { value: Data; written: boolean };

export function inForce(data: Data, path: Path): InForce {
  const written = valueIn(data, path);
  return written === undefined || written === null
    ? { value: BUILT_IN[path.join(".")] ?? null, written: false }
    : { value: written, written: true };
}

/** How gaps end; null for a word that the engine does not know, which it tells among the problems. */
export function thermalMode(data: Data): ThermalMode | null {
  const { value } = inForce(data, MODE);
  return value === "fixed" || value === "adaptive" || value === "hot" ? value : null;
}

/** Whether experiments are run until they are known well enough, and not a number of times. */
export function isUntilKnown(data: Data): boolean {
  const written = valueIn(data, CYCLES);
  return isSection(written) && Object.keys(written).length > 0;
}

/** Which baseline is taken; whoever writes the section wants one, unless `enabled` says no. Null as for the mode. */
export function baselineKind(data: Data): BaselineKind | "off" | null {
  const written = valueIn(data, BASELINE);
  if (written === undefined || written === null || written === false) return "off";
  if (isSection(written) && (written.enabled === false || Object.keys(written).length === 0)) return "off";
  const { value } = inForce(data, [...BASELINE, "kind"]);
  return value === "bare" || value === "context" || value === "loaded" ? value : null;
}

export function isSection(data: Data | undefined): data is { [key: string]: Data } {
  return data !== null && typeof data === "object" && !Array.isArray(data);
}
