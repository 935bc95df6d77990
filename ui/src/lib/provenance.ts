// Whether numbers were measured: a sum is as weak as its weakest part.
import type { Provenance } from "../api/bindings";

const ORDER: readonly Provenance[] = ["measured", "estimated", "simulated"];

/** The weakest of several; null of none. */
export function weakest(all: readonly Provenance[]): Provenance | null {
  const rank = Math.max(...all.map((provenance) => ORDER.indexOf(provenance)));
  return ORDER[rank] ?? null;
}
