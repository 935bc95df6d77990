// Lists of values as a person types them, and as YAML has them.
import { parse, stringify } from "yaml";

import type { Data, Plain } from "./document";

/** What a word means: `64` a number, `true` a truth value, `"64"` a text. A word that is no YAML is a text. */
export function meaning(typed: string): Plain {
  try {
    const value: unknown = parse(typed);
    return value === null || typeof value === "object" || value === undefined ? typed : (value as Plain);
  } catch {
    return typed;
  }
}

/** The word for a value, such that its meaning is the value again. */
export function word(value: Data): string {
  if (value !== null && typeof value === "object") return JSON.stringify(value);
  return stringify(value).trimEnd();
}

/** A value or a list of values, as words. */
export function words(value: Data | undefined): string[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(word) : [word(value)];
}

/** Words as YAML has them: one alone is a value, several are a list. */
export function fromWords(all: string[]): Data | undefined {
  const values = all.map(meaning);
  return values.length <= 1 ? values[0] : values;
}
