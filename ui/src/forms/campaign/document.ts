// A campaign's YAML as the one truth behind its form: values are read from the text, and written into it so that nothing
// else changes - comments, unknown keys, order and spacing stay as the person wrote them.
//
// A change is one splice of the text. It is read again and compared with what was wanted; where a splice would do anything
// else (anchors, odd layouts), the document is written anew by the YAML library, which keeps comments and keys but not
// spacing.
import { isMap, isScalar, isSeq, parseDocument, stringify, type Document, type YAMLMap } from "yaml";

export type Plain = string | number | boolean | null;
export type Data = Plain | Data[] | { [key: string]: Data };
export type Path = readonly string[];

/** Why a text cannot be read as YAML: what, and where. */
export type Unreadable = { message: string; line: number };

const WRITE = { lineWidth: 0, flowCollectionPadding: false } as const;

function parsed(text: string): Document.Parsed {
  return parseDocument(text, { merge: true });
}

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

/** The text with the value at a path; undefined takes the key out, and the sections that are empty then. */
export function withValue(text: string, path: Path, value: Data | undefined): string {
  const wanted = changed(dataOf(text), path, value);
  const spliced =
    value === undefined
      ? withoutKey(text, path)
      : (replaced(text, path, value) ?? inserted(text, path, value));
  if (spliced !== null && unreadable(spliced) === null && same(dataOf(spliced), wanted)) return spliced;
  return rewritten(text, path, value);
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

/** A value in one line. */
function inline(value: Data): string {
  return stringify(value, { ...WRITE, collectionStyle: "flow" }).trimEnd();
}

/** An existing scalar or one-line list, replaced where it stands. */
function replaced(text: string, path: Path, value: Data): string | null {
  const node = parsed(text).getIn(path, true);
  if (!isScalar(node) && !isSeq(node)) return null;
  const [from, to] = node.range ?? [0, 0];
  const old = text.slice(from, to);
  if (to <= from || old.includes("\n") || old.startsWith("- ")) return null;
  return text.slice(0, from) + inline(value) + text.slice(to);
}

/** A key that is not there, put at the end of its section, or of the nearest section that is there. */
function inserted(text: string, path: Path, value: Data): string | null {
  const document = parsed(text);
  if (document.hasIn(path)) return null;
  let depth = path.length - 1;
  while (depth > 0 && !isMap(document.getIn(path.slice(0, depth), true))) depth -= 1;
  if (depth > 0 && document.hasIn(path.slice(0, depth + 1))) return null;
  const section = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
  if (section === null)
    return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${lines(path, value, "")}`;
  if (!isMap(section) || section.flow === true) return null;
  const place = endOfSection(text, section);
  if (place === null) return null;
  const before = text.slice(0, place.at);
  return `${before}${before.endsWith("\n") ? "" : "\n"}${lines(path.slice(depth), value, place.indent)}${text.slice(place.at)}`;
}

function lines(path: Path, value: Data, indent: string): string {
  return path
    .map(
      (key, level) =>
        `${indent}${"  ".repeat(level)}${inline(key)}:${level === path.length - 1 ? ` ${inline(value)}` : ""}\n`,
    )
    .join("");
}

/** Where a section's last line ends, and how far its keys are indented. */
function endOfSection(text: string, section: YAMLMap): { at: number; indent: string } | null {
  const [first, last] = [section.items[0]?.key, section.items.at(-1)];
  if (!isScalar(first) || !first.range || !last) return null;
  const lineStart = text.lastIndexOf("\n", first.range[0] - 1) + 1;
  const indent = text.slice(lineStart, first.range[0]);
  if (indent.trim() !== "") return null;
  const end = endOfNode(last.value) ?? endOfNode(last.key);
  if (end === null) return null;
  const newline = text.indexOf("\n", Math.max(0, end - 1));
  return { at: newline < 0 ? text.length : newline + 1, indent };
}

function endOfNode(node: unknown): number | null {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last ? (endOfNode(last.value) ?? endOfNode(last.key)) : null;
  }
  if (isSeq(node) && node.flow !== true) return endOfNode(node.items.at(-1));
  const range = (node as { range?: [number, number, number] | null } | null)?.range;
  return range && range[1] > range[0] ? range[1] : null;
}

/** The lines of a key taken out, and those of sections that are empty then. */
function withoutKey(text: string, path: Path): string | null {
  const document = parsed(text);
  if (!document.hasIn(path)) return text;
  let depth = path.length;
  while (depth > 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true);
    if (!isMap(parent) || parent.items.length > 1) break;
    depth -= 1;
  }
  const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
  if (!isMap(parent) || parent.flow === true) return null;
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path[depth - 1]);
  if (!pair || !isScalar(pair.key) || !pair.key.range) return null;
  const from = text.lastIndexOf("\n", pair.key.range[0] - 1) + 1;
  const end = endOfNode(pair.value) ?? pair.key.range[1];
  const newline = text.indexOf("\n", Math.max(0, end - 1));
  return text.slice(0, from) + (newline < 0 ? "" : text.slice(newline + 1));
}

function rewritten(text: string, path: Path, value: Data | undefined): string {
  const document = parsed(text);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value, { flow: Array.isArray(value) }));
  return document.toString(WRITE);
}
