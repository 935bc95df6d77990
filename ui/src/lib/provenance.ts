// Whether numbers were measured: a sum is as weak as its weakest part.
import type { Provenance } from "../api/bindings";

const ORDER: readonly Provenance[] = ["measured", "estimated", "simulated"];

/** What stands beside a number in a sentence: ` (estimated)`; nothing beside one that was measured. */
export function provenanceMark(of: Provenance | null): string {
  return of === null || of === "measured" ? "" : ` (${of})`;
}

/** The weakest of several; null of none. */
export function weakest(all: readonly Provenance[]): Provenance | null {
  const rank = Math.max(...all.map((provenance) => ORDER.indexOf(provenance)));
  return ORDER[rank] ?? null;
}
