// What the completed runs of a campaign say together, as the engine reports it.
import type { CampaignReport, ExperimentSummary, ResultRow, RunPoint } from "../api/bindings";
import { describe } from "./describe";
import type { Kept } from "./history";
import { bootstrap, line } from "./inference";
import { experimentQuality } from "./quality";
import { weakest } from "../lib/provenance";

const GRADES = ["a", "b", "c", "invalid"] as const;

export function campaignReport(kept: Kept, rows: ResultRow[]): CampaignReport {
  const own = rows.filter((row) => row.campaign_id === kept.id && row.status === "completed");
  const experiments = kept.plan.experiments.map(({ name }) =>
    summary(
      name,
      own.filter((row) => row.experiment === name).toSorted((a, b) => a.index - b.index),
    ),
  );
  return { campaign_id: kept.id, name: kept.name, experiments };
}

function summary(name: string, rows: ResultRow[]): ExperimentSummary {
  const statistic = describe(rows.flatMap((row) => row.joules_per_output_token ?? []));
  const against = (x: (row: ResultRow) => number | null) =>
    line(
      rows.flatMap((row) => {
        const [at, joules] = [x(row), row.joules_per_output_token];
        if (at === null || joules === null || statistic === null) return [];
        return [[at, (joules / statistic.mean) * 100] as const];
      }),
    );
  const byPosition = against((row) => row.index);
  const byTemperature = against((row) => row.start_temperature_c);
  const known = rows.filter((row) => row.joules_per_output_token !== null);
  const flagged = new Set(statistic?.outliers.map((position) => known[position]?.run_id));
  return {
    quality: experimentQuality(name, known, statistic, [byPosition, byTemperature]),
    grades: GRADES.flatMap((grade) => {
      const runs = rows.filter((row) => row.grade === grade).length;
      return runs > 0 ? [{ grade, runs }] : [];
    }),
    provenance: weakest(rows.flatMap((row) => row.provenance ?? [])),
    joules_per_output_token: statistic,
    bootstrap: statistic === null ? null : bootstrap(statistic.values),
    points: rows.map((row): RunPoint => {
      const { run_id, index, cycle, start_temperature_c, joules_per_output_token, output_tokens, grade } =
        row;
      const outlier = flagged.has(run_id);
      return {
        run_id,
        index,
        cycle,
        start_temperature_c,
        joules_per_output_token,
        output_tokens,
        grade,
        outlier,
      };
    }),
    by_position: byPosition,
    by_start_temperature: byTemperature,
  };
}
