// A form over a text: each field reads its place in the document and writes it.
import { createContext, useContext } from "react";

import type { NumberRange, ResolvedValue } from "../../api/bindings";
import type { Data, Path } from "./document";

export type Lens = {
  data: Data;
  set: (path: Path, value: Data | undefined) => void;
  /** Several values as one change of the text. */
  setAll: (changes: [path: Path, value: Data | undefined][]) => void;
  /** What the engine says a key comes to, and who set it; null of a key that it does not tell, and until it has. */
  inForce: (path: Path) => ResolvedValue | null;
  /** Which numbers the engine takes at a key; null until it has told. */
  range: (path: Path) => NumberRange | null;
  /** The form cannot write: the text does not read as YAML. */
  disabled: boolean;
};

export const LensContext = createContext<Lens | null>(null);

export function useLens(): Lens {
  const lens = useContext(LensContext);
  if (lens === null) throw new Error("a field of the form stands outside of the form");
  return lens;
}

/** Where a finding leads: to its field, else to what holds it. The engine names a swept key without its section. */
export function fieldOf(path: string): HTMLElement | null {
  const parts = path.split(".");
  const holders = parts.map((_, at) => parts.slice(0, parts.length - at).join("."));
  const found = [path, `grid.shared.${path}`, ...holders].map((name) =>
    document.getElementById(fieldId(name)),
  );
  return found.find((element) => element !== null) ?? null;
}

/** The id of a field, so that a problem can lead to it. */
export function fieldId(path: string): string {
  return `field-${path.replaceAll(/[^a-zA-Z0-9_-]/g, "-")}`;
}
