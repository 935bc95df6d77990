import { expect, test } from "vitest";

import {
  dateTime,
  digits,
  duration,
  MISSING,
  money,
  percent,
  plain,
  precise,
  probability,
  range,
  si,
  signed,
  THIN,
  uncertain,
} from "./format";

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

test("operations have prefixes that bytes and joules never need", () => {
  expect([6.632e13, 1.657e15, 2e18].map((value) => read(si(value, "FLOP")))).toEqual([
    "66.3 TFLOP",
    "1.66 PFLOP",
    "2.00 EFLOP",
  ]);
});

test("a change keeps its sign, and money its digits", () => {
  expect([0.31, -1.2, 0].map((value) => read(signed(value, "%")))).toEqual(["+0.310 %", "−1.20 %", "+0 %"]);
  expect([12.5, 0.000_024_57, 0].map(money)).toEqual(["12.50", "0.0000246", "0.00"]);
});

test("a value is as precise as its uncertainty, with one prefix for both", () => {
  const told = [
    [15_581, 62.4],
    [0.0123, 0.0004],
    [72.5, 0.6],
    [3, 0],
  ].map(([value = 0, give = 0]) => read(uncertain(value, give, "J")));
  expect(told).toEqual(["15.581 ± 0.062 kJ", "12.30 ± 0.40 mJ", "72.50 ± 0.60 J", "3.00 ± 0.00 J"]);
  expect(read(uncertain(3, null, "J"))).toBe("3.00 J");
  expect(uncertain(null, 1, "J")).toBe(MISSING);
});

test("the ends of an interval do not look alike", () => {
  expect(read(range(1.2034, 1.2161, "J/token"))).toBe("1.2034 to 1.2161 J/token");
  expect(read(range(0.3862, 0.3911, "J/token"))).toBe("386.2 to 391.1 mJ/token");
  expect(range(-0.05, 0.67, "")).toBe("−0.05 to 0.67");
  expect(read(precise(1.2098, 0.0064, "J"))).toBe("1.2098 J");
  expect(read(precise(1.2098, null, "J"))).toBe("1.21 J");
  expect(read(range(2, 2, "J"))).toBe("2.00 to 2.00 J");
});

test("a p below a thousandth is not told closer, and one that is missing is a dash", () => {
  expect([0.04, 0.000_02, null].map(probability)).toEqual(["0.040", "< 0.001", MISSING]);
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

test("a share in percent has no noise of its own", () => {
  expect([0.07, 0.1, 0.29, 0.005, 1, 0.123456].map((share) => read(percent(share)))).toEqual([
    "7 %",
    "10 %",
    "29 %",
    "0.5 %",
    "100 %",
    "12.3456 %",
  ]);
});
