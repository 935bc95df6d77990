import { expect, test } from "vitest";

import { dateTime, digits, duration, MISSING, plain, si, THIN } from "./format";

/** Thin spaces as plain ones, so that the expectations can be read. */
const read = (text: string) => text.replaceAll(THIN, " ");

test("a number has three significant digits and no exponent", () => {
  expect([0, 0.001234, 0.5, 1.234, 12.34, 123.4, 85_023, -3.456].map(digits)).toEqual([
    "0",
    "0.00123",
    "0.500",
    "1.23",
    "12.3",
    "123",
    "85023",
    "-3.46",
  ]);
});

test("a unit takes an SI prefix, after a thin space", () => {
  expect(si(12.4, "J")).toBe(`12.4${THIN}J`);
  expect([15_300, 0.31, 2.5e-5, 0, 3.6e6].map((value) => read(si(value, "J")))).toEqual([
    "15.3 kJ",
    "310 mJ",
    "25.0 µJ",
    "0 J",
    "3.60 MJ",
  ]);
});

test("what is missing is a dash, never 0", () => {
  for (const missing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(si(missing, "J")).toBe(MISSING);
    expect(plain(missing, "°C")).toBe(MISSING);
    expect(duration(missing)).toBe(MISSING);
  }
  expect(dateTime(null)).toBe(MISSING);
  expect(si(0, "J")).not.toBe(MISSING);
});

test("a value without a prefix keeps its unit and the digits asked for", () => {
  expect(read(plain(61.4, "°C", 0))).toBe("61 °C");
  expect(read(plain(85, "%"))).toBe("85.0 %");
  expect(plain(3, "")).toBe("3.00");
});

test("a time is told in the two units that matter", () => {
  expect([0, 0.85, 12.3, 59.9, 59.96, 245, 12_000, 187_200].map((s) => read(duration(s)))).toEqual([
    "0 s",
    "850 ms",
    "12 s",
    "60 s",
    "1 min 00 s",
    "4 min 05 s",
    "3 h 20 min",
    "2 d 4 h",
  ]);
});

test("a day and time are those of the user's clock", () => {
  expect(dateTime(new Date(2026, 0, 31, 14, 5).getTime())).toBe("2026-01-31 14:05");
});
