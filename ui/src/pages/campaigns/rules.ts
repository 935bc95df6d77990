// By which rules a plan is run, each in one line: how gaps end, which baseline is taken, and when an experiment was run
// often enough.
import type { Baseline, PlanPreview, Thermal } from "../../api/bindings";
import { duration, percent, THIN } from "../../lib/format";

export type Rule = { name: string; text: string };

type Planned = Pick<PlanPreview, "thermal" | "baseline" | "stopping" | "cycles" | "in_force">;

export function rulesOf({ thermal, baseline, stopping, cycles, in_force }: Planned): Rule[] {
  return [
    { name: "Gaps", text: gaps(thermal, in_force) },
    {
      name: "Baseline",
      text: baseline === null ? "none" : taken(baseline, thermal),
    },
    {
      name: "Runs",
      text:
        stopping === null
          ? `each experiment ${times(cycles)}`
          : `each experiment until its 95 % interval is within ±${percent(stopping.target)} of the mean, ` +
            `${stopping.min_cycles} to ${times(cycles)}`,
    },
  ];
}

function gaps({ mode, min_s, max_s, tolerance_c }: Thermal, told: PlanPreview["in_force"]): string {
  const most = duration(max_s.value);
  const fixed = (key: string) => duration(Number(told[`execution.${key}`]?.value ?? Number.NaN));
  switch (mode.value) {
    case "fixed":
      return `fixed, ${fixed("config_gap_seconds")} within a cycle, ${fixed("cycle_gap_seconds")} where it changes`;
    case "adaptive": {
      const target = `to within ${tolerance_c.value}${THIN}°C of the first start`;
      return `adaptive, ${duration(min_s.value)} to ${most}, ${target}; one before the first run too`;
    }
    case "hot":
      return `hot, none: warm-up until the temperature is steady, ${most} at most`;
  }
}

/** No time of the plan has that of a baseline in it. */
function taken(baseline: Baseline, { mode }: Thermal): string {
  const own = baseline.kind === "bare" ? "" : `${baseline.kind} in each run, `;
  const anew = mode.value === "hot" ? "once" : again(baseline);
  return `${own}bare for ${duration(baseline.duration_s)}, ${anew}; its time comes on top`;
}

function again({ strategy, ttl_s, validation_interval: runs }: Baseline): string {
  switch (strategy) {
    case "fresh":
      return "fresh before every run";
    case "cached":
      return `cached for ${duration(ttl_s)}`;
    case "validated":
      return `validated every ${runs === 1 ? "run" : `${runs} runs`}`;
  }
}

function times(cycles: number): string {
  return cycles === 1 ? "once" : `${cycles} times`;
}
