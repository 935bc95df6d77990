import { expect, test } from "vitest";

import type { EndedStatus, GapPurpose, Now } from "../api/bindings";
import { activity, ending, over, position } from "./now";

function now(by: Partial<Now>): Now {
  return {
    state: "gap",
    run_index: null,
    run_id: null,
    experiment: null,
    backend: null,
    cycle: null,
    phase: null,
    gap: null,
    requests_done: null,
    requests_total: null,
    output_tokens: null,
    energy_so_far_j: null,
    joules_per_token_so_far: null,
    pause_asked: false,
    stop_asked: false,
    total: 12,
    completed: 6,
    failed: 1,
    remaining: 2,
    left_s: null,
    ended: null,
    ...by,
  };
}

function gap(purpose: GapPurpose): Now {
  const times = { started_s: 0, until_s: 50, planned_s: 50 };
  return now({ gap: { ...times, purpose, source_text: "built in", start_temperature_c: 60, targets: [] } });
}

test("what is waited for is said, and that cooling may end earlier", () => {
  expect(activity(gap("wait"), 10)).toMatch(/^thermal gap, 40.s left$/);
  expect(activity(gap("cool"), 10)).toMatch(/^cooling, at most 40.s left$/);
  expect(activity(gap("baseline"), 10)).toBe("recording the devices at rest");
});

test("runs that are not needed are over", () => {
  expect(over(now({}))).toBe(10);
  expect(position(now({ state: "ended", remaining: 0 }))).toBe("12 of 12 runs");
  expect(position(now({ run_index: 6 }))).toBe("run 7 of 12");
});

function end(status: EndedStatus, completed: number, failed: number) {
  return ending({ status, message: null, hint: null, at_s: 0 }, now({ completed, failed }));
}

test("a campaign with failures does not end as one without", () => {
  expect(end("completed", 12, 0)).toBe("completed");
  expect(end("completed", 11, 1)).toBe("with_failures");
  expect(end("completed", 0, 12)).toBe("without_results");
  expect(end("interrupted", 0, 1)).toBe("interrupted");
});
