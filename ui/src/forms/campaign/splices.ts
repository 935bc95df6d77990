// Changes of a YAML text by one splice: a value replaced, a key put in, a key taken out, and every other byte as it was.
// Each gives up with null where the layout is not one that it knows; whoever calls reads the result again in any case.
import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type Document,
  type Pair,
  type YAMLMap,
} from "yaml";

import type { Data, Path } from "./document";

export const WRITE = { lineWidth: 0, flowCollectionPadding: false } as const;

export function parsed(text: string): Document.Parsed {
  return parseDocument(text, { merge: true });
}

/** A value in one line. */
function inline(value: Data): string {
  return stringify(value, { ...WRITE, collectionStyle: "flow" }).trimEnd();
}

/** An existing value in one line, replaced where it stands; a section in lines of its own, by a value beside its key. */
export function replaced(text: string, path: Path, value: Data): string | null {
  const node = parsed(text).getIn(path, true);
  const empty = isScalar(node) && node.range?.[0] === node.range?.[1];
  if (empty || (isMap(node) && node.flow !== true)) return besideKey(text, path, value);
  if (!isScalar(node) && !isSeq(node) && !isMap(node)) return null;
  const [from, to] = node.range ?? [0, 0];
  const old = text.slice(from, to);
  if (to <= from || old.includes("\n") || old.startsWith("- ")) return null;
  return text.slice(0, from) + inline(value) + text.slice(to);
}

/** What stands beside the key stays, a comment say; the lines of a section go, with what was said in them. */
function besideKey(text: string, path: Path, value: Data): string | null {
  const parent = parsed(text).getIn(path.slice(0, -1), true);
  const pair = isMap(parent) ? pairIn(parent, path.at(-1)) : undefined;
  if (!pair || !isScalar(pair.key) || !pair.key.range) return null;
  const colon = text.indexOf(":", pair.key.range[1]);
  const beside = text.indexOf("\n", colon);
  if (colon < 0 || beside < 0) return null;
  const end = endOfNode(pair.value) ?? beside;
  if (end < beside) return null;
  const rest = text.indexOf("\n", end);
  const kept = text.slice(colon + 1, beside).trimEnd();
  return `${text.slice(0, colon + 1)} ${inline(value)}${kept}${rest < 0 ? "\n" : text.slice(rest)}`;
}

function pairIn(map: YAMLMap, key: string | undefined): Pair | undefined {
  return map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
}

/** A key that is not there, put at the end of its section, or of the nearest section that is there. */
export function inserted(text: string, path: Path, value: Data): string | null {
  const document = parsed(text);
  if (document.hasIn(path)) return null;
  let depth = path.length - 1;
  while (depth > 0 && !isMap(document.getIn(path.slice(0, depth), true))) depth -= 1;
  if (depth > 0 && document.hasIn(path.slice(0, depth + 1))) return null;
  const section = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
  if (section === null)
    return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${lines(path, value, "")}`;
  if (!isMap(section)) return null;
  if (section.flow === true) return insertedInLine(text, section, path.slice(depth), value);
  const place = endOfSection(text, section);
  if (place === null) return null;
  const before = text.slice(0, place.at);
  return `${before}${before.endsWith("\n") ? "" : "\n"}${lines(path.slice(depth), value, place.indent)}${text.slice(place.at)}`;
}

/** Behind the last key between braces. */
function insertedInLine(text: string, section: YAMLMap, path: Path, value: Data): string | null {
  const [key, ...rest] = path;
  const last = section.items.at(-1);
  const at = last === undefined ? (section.range?.[0] ?? -1) + 1 : endOfItem(last);
  if (key === undefined || at === null || at <= 0) return null;
  const entry = inline({ [key]: nested(rest, value) }).slice(1, -1);
  return `${text.slice(0, at)}${last === undefined ? "" : ", "}${entry}${text.slice(at)}`;
}

/** A value below the keys that lead to it. */
export function nested(path: Path, value: Data): Data {
  return path.reduceRight<Data>((inner, key) => ({ [key]: inner }), value);
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
  const end = endOfItem(last);
  if (end === null) return null;
  const newline = text.indexOf("\n", Math.max(0, end - 1));
  return { at: newline < 0 ? text.length : newline + 1, indent };
}

function endOfItem(item: Pair): number | null {
  return endOfNode(item.value) ?? endOfNode(item.key);
}

function endOfNode(node: unknown): number | null {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last ? endOfItem(last) : null;
  }
  if (isSeq(node) && node.flow !== true) return endOfNode(node.items.at(-1));
  const range = (node as { range?: [number, number, number] | null } | null)?.range;
  return range && range[1] > range[0] ? range[1] : null;
}

/** The lines of a key taken out, and those of sections that are empty then. */
export function withoutKey(text: string, path: Path): string | null {
  const document = parsed(text);
  if (!document.hasIn(path)) return text;
  let depth = path.length;
  while (depth > 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true);
    if (!isMap(parent) || parent.items.length > 1) break;
    depth -= 1;
  }
  const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
  if (!isMap(parent)) return null;
  const pair = pairIn(parent, path[depth - 1]);
  if (!pair || !isScalar(pair.key) || !pair.key.range) return null;
  if (parent.flow === true) return withoutItem(text, parent, pair);
  const from = text.lastIndexOf("\n", pair.key.range[0] - 1) + 1;
  const end = endOfNode(pair.value) ?? pair.key.range[1];
  const newline = text.indexOf("\n", Math.max(0, end - 1));
  return text.slice(0, from) + (newline < 0 ? "" : text.slice(newline + 1));
}

/** A key between braces taken out, with one of the commas beside it. */
function withoutItem(text: string, section: YAMLMap, pair: Pair): string | null {
  const at = section.items.indexOf(pair);
  const [before, after] = [section.items[at - 1], section.items[at + 1]];
  const from = before === undefined ? startOfKey(pair) : endOfItem(before);
  const to = before === undefined && after !== undefined ? startOfKey(after) : endOfItem(pair);
  return from === null || to === null ? null : text.slice(0, from) + text.slice(to);
}

function startOfKey({ key }: Pair): number | null {
  return isScalar(key) && key.range ? key.range[0] : null;
}
