import { expect, test } from "vitest";

import type { LiveCampaign, LogLine, Now, RunCell, Snapshot, Span } from "./bindings";
import { afterEvent, isRunning } from "./live";

const NOW: Now = {
  state: "running",
  run_index: 0,
  run_id: "r-0",
  experiment: "a",
  backend: "candle",
  cycle: 1,
  phase: "measure",
  gap: null,
  requests_done: 1,
  requests_total: 16,
  output_tokens: 64,
  energy_so_far_j: 12,
  joules_per_token_so_far: 0.19,
  pause_asked: false,
  stop_asked: false,
  total: 2,
  completed: 0,
  failed: 0,
  remaining: 2,
  left_s: null,
  ended: null,
};

function cell(index: number, status: RunCell["status"]): RunCell {
  return {
    index,
    experiment: "a",
    backend: "candle",
    model: "m",
    cycle: index + 1,
    status,
    run_id: null,
    energy_j: null,
    energy_uncertainty_j: null,
    joules_per_output_token: null,
    provenance: null,
    grade: null,
    duration_s: null,
    error: null,
    gap_before_s: 0,
  };
}

const span = (id: number, end_s: number | null): Span => ({
  id,
  kind: "phase",
  label: "measure",
  run_index: 0,
  start_s: id,
  end_s,
});

const line = (t_s: number): LogLine => ({ t_s, run_index: 0, kind: "log", text: String(t_s) });

const seconds = { value: 1, source: { kind: "built_in" }, source_text: "built in" } as const;

const CAMPAIGN: LiveCampaign = {
  id: "c",
  name: "quickstart",
  begun_s: 0,
  runs: [cell(0, "running"), cell(1, "planned")],
  spans: [span(0, 4), span(1, null)],
  now: NOW,
  log: [],
  gaps: { between_experiments: seconds, between_cycles: seconds },
};

const LIVE: Snapshot = {
  epoch_unix_ms: 0,
  now_s: 5,
  devices: [],
  readings: [],
  interval_ms: 100,
  monitor_error: null,
  campaign: CAMPAIGN,
};

test("a snapshot replaces whatever was known", () => {
  const snapshot = { ...LIVE, now_s: 99, campaign: null };
  expect(afterEvent(LIVE, { event: "snapshot", snapshot })).toBe(snapshot);
  expect(afterEvent(null, { event: "snapshot", snapshot })).toBe(snapshot);
});

test("before the first snapshot nothing is known, whatever is told", () => {
  expect(afterEvent(null, { event: "now", now: NOW })).toBeNull();
});

test("samples move the clock and leave the campaign as it is", () => {
  const after = afterEvent(LIVE, { event: "samples", now_s: 6, readings: [] });
  expect(after?.now_s).toBe(6);
  expect(after?.campaign).toBe(CAMPAIGN);
});

test("a run replaces the one with its index, and the others stay the same objects", () => {
  const after = afterEvent(LIVE, { event: "run", run: cell(0, "completed") });
  expect(after?.campaign?.runs.map(({ status }) => status)).toEqual(["completed", "planned"]);
  expect(after?.campaign?.runs[1]).toBe(CAMPAIGN.runs[1]);
});

test("a span that ends replaces the one that lasted, and a new one is appended", () => {
  const ended = afterEvent(LIVE, { event: "span", span: span(1, 5) });
  expect(ended?.campaign?.spans.map(({ end_s }) => end_s)).toEqual([4, 5]);
  const begun = afterEvent(ended, { event: "span", span: span(2, null) });
  expect(begun?.campaign?.spans.map(({ id }) => id)).toEqual([0, 1, 2]);
});

test("the log keeps the last 500 lines", () => {
  const lines = Array.from({ length: 499 }, (_, index) => line(index));
  const full = afterEvent(LIVE, { event: "log", lines });
  const after = afterEvent(full, { event: "log", lines: [line(499), line(500)] });
  expect(after?.campaign?.log).toHaveLength(500);
  expect(after?.campaign?.log[0]?.t_s).toBe(1);
  expect(after?.campaign?.log.at(-1)?.t_s).toBe(500);
});

test("what is no part of the state changes nothing, so that nothing is drawn anew", () => {
  expect(afterEvent(LIVE, { event: "results_changed" })).toBe(LIVE);
  expect(afterEvent(LIVE, { event: "close_asked" })).toBe(LIVE);
  const idle = { ...LIVE, campaign: null };
  expect(afterEvent(idle, { event: "now", now: NOW })).toBe(idle);
});

test("an ended campaign stays in view and is not running", () => {
  expect(isRunning(LIVE)).toBe(true);
  expect(isRunning(afterEvent(LIVE, { event: "now", now: { ...NOW, state: "ended" } }))).toBe(false);
  expect(isRunning(null)).toBe(false);
});
