// How a campaign brings its devices back to rest, what it records of them there, and when it has cycles enough: what was
// chosen in the form. What is written is shown at once; everything else, the engine's plan tells.
import type { BaselineKind, BaselineStrategy, ThermalMode } from "../../api/bindings";
import { valueIn, type Data, type Path } from "./document";
import type { Lens } from "./lens";

export const MODES: readonly ThermalMode[] = ["fixed", "adaptive", "hot"];
export const KINDS: readonly ("off" | BaselineKind)[] = ["off", "bare", "context", "loaded"];
export const STRATEGIES: readonly BaselineStrategy[] = ["fresh", "cached", "validated"];

export const MODE = ["thermal", "mode"] as const;
export const CYCLES = ["execution", "cycles"] as const;
export const TARGET = [...CYCLES, "target_ci_percent"] as const;
export const BASELINE = ["measurement", "baseline"] as const;
export const STRATEGY = [...BASELINE, "strategy"] as const;

type Looked = Pick<Lens, "data" | "inForce">;

/** How gaps end; null for a word that the engine does not know, which it tells among the problems, and until it has told. */
export function thermalMode(looked: Looked): ThermalMode | null {
  return among(MODES, chosen(looked, MODE));
}

/** When the bare baseline is taken anew; null as for the mode. */
export function strategy(looked: Looked): BaselineStrategy | null {
  return among(STRATEGIES, chosen(looked, STRATEGY));
}

/** Which baseline is subtracted; null as for the mode. */
export function baselineKind({ data, inForce }: Looked): BaselineKind | "off" | null {
  const section = valueIn(data, BASELINE);
  if (isSection(section) && section.enabled === false) return "off";
  return among(KINDS, written(data, [...BASELINE, "kind"]) ?? inForce(BASELINE)?.value);
}

function chosen({ data, inForce }: Looked, path: Path): Data | undefined {
  return written(data, path) ?? inForce(path)?.value;
}

function among<Word extends string>(words: readonly Word[], value: Data | undefined): Word | null {
  return words.find((word) => word === value) ?? null;
}

/** Whether experiments are run until they are known well enough, and not a number of times. */
export function isUntilKnown(data: Data): boolean {
  const cycles = valueIn(data, CYCLES);
  return isSection(cycles) && Object.keys(cycles).length > 0;
}

/**
 * Where the grid says how long workers idle for the baseline that is theirs. Null where there is nothing of that kind, or
 * it is swept.
 */
export function idling(looked: Looked): Path | null {
  const kind = baselineKind(looked);
  const key = kind === "loaded" ? "idle_seconds" : kind === "context" ? "context_seconds" : null;
  if (key === null || !isSection(valueIn(looked.data, ["grid"]))) return null;
  const path = ["grid", "shared", key];
  return Array.isArray(valueIn(looked.data, path)) ? null : path;
}

/** What the file says at a path; null says nothing. */
export function written(data: Data, path: Path): Data | undefined {
  return valueIn(data, path) ?? undefined;
}

export function isSection(data: Data | undefined): data is { [key: string]: Data } {
  return data !== null && typeof data === "object" && !Array.isArray(data);
}
