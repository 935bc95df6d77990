// What a campaign does now, in one sentence.
import type { EndedNow, EndedStatus, GapNow, Now } from "../api/bindings";
import { counted, countdown } from "./format";

const PHASES: Record<NonNullable<Now["phase"]>, string> = {
  context: "holding the device open without a model",
  load: "loading the model",
  idle: "idling with the model loaded",
  warmup: "warming up",
  measure: "measuring",
  unload: "unloading",
};

/** Runs that are over: those that need not be done among them. */
export function over(now: Now): number {
  return now.total - now.remaining;
}

export type Ending = EndedStatus | "with_failures" | "without_results";

/** How a campaign ended for who wants its results: one that tried every run is complete, whatever came of them. */
export function ending({ status }: EndedNow, { completed, failed }: Now): Ending {
  if (status !== "completed" || failed === 0) return status;
  return completed > 0 ? "with_failures" : "without_results";
}

const ENDS: Record<EndedStatus, string> = {
  completed: "done",
  failed: "could not go on",
  interrupted: "stopped",
};

/** `run 7 of 36`; `36 of 36 runs` when it is over. */
export function position(now: Now): string {
  if (now.state === "ended") return `${over(now)} of ${counted(now.total, "run")}`;
  const index = now.run_index === null ? over(now) : now.run_index + 1;
  return `run ${index} of ${now.total}`;
}

/** `thermal gap, 41 s left`; cooling ends earlier where it can, and a baseline is short. */
function waiting(gap: GapNow, nowS: number): string {
  const left = countdown(gap.until_s - nowS);
  switch (gap.purpose) {
    case "wait":
      return `thermal gap, ${left} left`;
    case "cool":
      return `cooling, at most ${left} left`;
    case "baseline":
      return "recording the devices at rest";
  }
}

/** `measuring`, `thermal gap, 41 s left` ... */
export function activity(now: Now, nowS: number): string {
  switch (now.state) {
    case "preparing":
      return now.stop_asked ? "stopping" : "preparing";
    case "paused":
      return "paused";
    case "ended":
      return now.ended === null ? "over" : ENDS[now.ended.status];
    case "gap":
      return now.gap === null ? "thermal gap" : waiting(now.gap, nowS);
    case "running":
      if (now.stop_asked) return "stopping";
      return now.phase === null ? "starting the worker" : PHASES[now.phase];
  }
}
