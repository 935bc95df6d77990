import { expect, test } from "vitest";

import { fromWords, meaning, words } from "./words";

test("a number is a number, and a quoted one is a text", () => {
  expect([meaning("64"), meaning("0.5"), meaning("true"), meaning('"64"'), meaning("a/b")]).toEqual([
    64,
    0.5,
    true,
    "64",
    "a/b",
  ]);
});

test("a word that is no YAML is a text", () => {
  expect([meaning("{x"), meaning("[1, 2]"), meaning("a: b")]).toEqual(["{x", "[1, 2]", "a: b"]);
});

test("values survive being shown as words", () => {
  for (const value of [64, "64", true, "true", "a/b", 0.25, "a: b"]) {
    expect(fromWords(words(value))).toEqual(value);
  }
  expect(fromWords(words([1, "1"]))).toEqual([1, "1"]);
  expect(fromWords([])).toBeUndefined();
});
