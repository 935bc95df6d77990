// What a campaign does now, in one sentence.
import type { Now } from "../api/bindings";
import { countdown } from "./format";

const PHASES: Record<NonNullable<Now["phase"]>, string> = {
  load: "loading the model",
  idle: "idling with the model loaded",
  warmup: "warming up",
  measure: "measuring",
  unload: "unloading",
};

/** `run 7 of 36` */
export function position(now: Now): string {
  const index = now.run_index === null ? now.completed + now.failed : now.run_index + 1;
  return `run ${index} of ${now.total}`;
}

/** `measuring`, `thermal gap, 41 s left` ... */
export function activity(now: Now, nowS: number): string {
  switch (now.state) {
    case "preparing":
      return now.stop_asked ? "stopping" : "preparing";
    case "paused":
      return "paused";
    case "ended":
      return now.ended?.status ?? "ended";
    case "gap":
      return now.gap === null ? "thermal gap" : `thermal gap, ${countdown(now.gap.until_s - nowS)} left`;
    case "running":
      if (now.stop_asked) return "stopping";
      return now.phase === null ? "starting the worker" : PHASES[now.phase];
  }
}
