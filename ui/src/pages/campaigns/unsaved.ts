// A campaign that has no file yet, on its way to the builder.
let text: string | null = null;

export function keepForBuilder(unsaved: string): void {
  text = unsaved;
}

/** Hands it over, once. */
export function takeUnsaved(): string | null {
  const kept = text;
  text = null;
  return kept;
}
