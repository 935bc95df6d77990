// A campaign's YAML as the one truth behind its form: values are read from the text, and written into it so that nothing
// else changes - comments, unknown keys, order and spacing stay as the person wrote them.
//
// A change is one splice of the text. It is read again and compared with what was wanted; where a splice would do anything
// else (anchors, odd layouts), the document is written anew by the YAML library, which keeps comments and keys but not
// spacing.
import { isMap, isScalar } from "yaml";

import { inserted, nested, parsed, replaced, withoutKey, WRITE } from "./splices";

export type Plain = string | number | boolean | null;
export type Data = Plain | Data[] | { [key: string]: Data };
export type Path = readonly string[];

/** Why a text cannot be read as YAML: what, and where. */
export type Unreadable = { message: string; line: number };

/** What is wrong with a text, null when it reads. */
export function unreadable(text: string): Unreadable | null {
  const document = parsed(text);
  const error = document.errors[0];
  if (error)
    return { message: error.message.split("\n")[0] ?? error.message, line: error.linePos?.[0].line ?? 1 };
  const root = document.contents;
  return root === null || isMap(root)
    ? null
    : { message: "a campaign is a mapping of keys to values", line: 1 };
}

/** The whole document as data. */
export function dataOf(text: string): Data {
  return (parsed(text).toJS() as Data | undefined) ?? {};
}

/** The value at a path; undefined where there is none. */
export function valueAt(text: string, path: Path): Data | undefined {
  return valueIn(dataOf(text), path);
}

export function valueIn(data: Data, path: Path): Data | undefined {
  let at: Data | undefined = data;
  for (const key of path) {
    if (at === null || at === undefined || typeof at !== "object" || Array.isArray(at)) return undefined;
    at = Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

/**
 * The text with the value at a path; undefined takes the key out, and the sections that are empty then. A plain value on
 * the way gives way to a section: `cycles: 3` to `cycles: {min: 5}`.
 */
export function withValue(text: string, path: Path, value: Data | undefined): string {
  const plain = value === undefined ? null : plainAbove(text, path);
  if (plain !== null) return withValue(text, plain, nested(path.slice(plain.length), value ?? null));
  const wanted = changed(dataOf(text), path, value);
  const spliced =
    value === undefined
      ? withoutKey(text, path)
      : (replaced(text, path, value) ?? inserted(text, path, value));
  if (spliced !== null && unreadable(spliced) === null && same(dataOf(spliced), wanted)) return spliced;
  return rewritten(text, path, value);
}

/** The path of a value above this one that is neither a section nor a list. */
function plainAbove(text: string, path: Path): Path | null {
  const document = parsed(text);
  const above = path.slice(1).map((_, at) => path.slice(0, at + 1));
  return above.find((part) => isScalar(document.getIn(part, true))) ?? null;
}

function changed(data: Data, path: Path, value: Data | undefined): Data {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? {};
  const map = data !== null && typeof data === "object" && !Array.isArray(data) ? { ...data } : {};
  if (rest.length > 0) {
    const inner = changed(map[key] ?? {}, rest, value);
    if (value === undefined && typeof inner === "object" && inner !== null && Object.keys(inner).length === 0)
      delete map[key];
    else map[key] = inner;
  } else if (value === undefined) delete map[key];
  else map[key] = value;
  return map;
}

function same(a: Data, b: Data): boolean {
  return canonical(a) === canonical(b);
}

function canonical(data: Data): string {
  return JSON.stringify(data, (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function rewritten(text: string, path: Path, value: Data | undefined): string {
  const document = parsed(text);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value, { flow: Array.isArray(value) }));
  return document.toString(WRITE);
}
