import { expect, test } from "vitest";

import type { Value } from "../../api/bindings";
import { gapFacts, surroundingsFacts } from "./surroundings";

const stranger = (pid: number, utilization_pct: number | null) => ({
  device: "GPU-1",
  pid,
  name: "python3",
  kind: "compute",
  display: false,
  memory_bytes: 1e9,
  utilization_pct,
});

const around = (before: Value[], after: Value[] | null, drift: Value): Value => ({
  before: { tenants: { foreign: before, unknown: ["GPU-2 does not tell who uses it"] } },
  after:
    after === null ? null : { tenants: { foreign: after, unknown: ["GPU-2 does not tell who uses it"] } },
  drift,
});

test("who was there at both looks is told once, as at the latter", () => {
  const { strangers } = surroundingsFacts(around([stranger(7, 0), stranger(8, 0)], [stranger(8, 40)], []));
  expect(strangers.map(({ pid, utilizationPct }) => [pid, utilizationPct])).toEqual([
    [7, 0],
    [8, 40],
  ]);
});

test("nothing changed is not the same as nobody compared", () => {
  expect(surroundingsFacts(around([], null, [])).changes).toEqual([]);
  expect(surroundingsFacts(around([], null, null)).changes).toBeNull();
  expect(surroundingsFacts(around([], null, ["kernel is 6.2, was 6.1"])).changes).toEqual([
    "kernel is 6.2, was 6.1",
  ]);
});

test("why others may have been there is told once", () => {
  expect(surroundingsFacts(around([], [], [])).untold).toEqual(["GPU-2 does not tell who uses it"]);
});

test("what another version stored, or did not, is not known and breaks nothing", () => {
  const none = { changes: null, strangers: [], untold: [] };
  for (const value of [null, {}, [], "text", { before: 1, after: [], drift: "x" }] as (Value | null)[]) {
    expect(surroundingsFacts(value)).toEqual(none);
    expect(gapFacts(value)).toEqual({ mode: null, startC: null, endC: null, referenceC: null });
  }
});

test("the facts of a gap are read", () => {
  const gap = {
    mode: "adaptive",
    start_temperature_c: 61,
    end_temperature_c: 42,
    reference_temperature_c: 41,
  };
  expect(gapFacts(gap)).toEqual({ mode: "adaptive", startC: 61, endC: 42, referenceC: 41 });
});
