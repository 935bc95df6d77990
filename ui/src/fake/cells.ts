// The planned runs of a campaign as its grid shows them when it begins, or is taken up again.
import type { ResultRow, RunCell } from "../api/bindings";
import { experimentOf, type Kept } from "./history";

/** What was run of it before stays; everything else is still to do. */
export function cellOf(kept: Kept, rows: ResultRow[], index: number): RunCell {
  const experiment = experimentOf(kept.plan, index);
  const run = kept.plan.runs[index];
  const last = rows.findLast((row) => row.campaign_id === kept.id && row.index === index);
  const over = last?.status === "completed" || last?.status === "failed";
  return {
    index,
    experiment: experiment?.name ?? "",
    backend: experiment?.backend ?? "",
    model: experiment?.model ?? "",
    cycle: run?.cycle ?? 1,
    status: over ? (last.status as "completed" | "failed") : "planned",
    run_id: last === undefined ? null : over ? last.run_id : `${kept.id}-${index}-${last.attempt + 1}`,
    energy_j: last?.energy_j ?? null,
    energy_uncertainty_j: last?.energy_uncertainty_j ?? null,
    joules_per_output_token: last?.joules_per_output_token ?? null,
    provenance: last?.provenance ?? null,
    grade: last?.grade ?? null,
    duration_s: null,
    error: over ? last.error : null,
    gap_before_s: run?.gap_before_s ?? 0,
  };
}
