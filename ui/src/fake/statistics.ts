// Statistics of groups of completed runs, as the engine computes them.
import type {
  Comparison,
  Compared,
  Group,
  GroupColumn,
  Metrics,
  Pair,
  ResultRow,
  Value,
} from "../api/bindings";
import { weakest } from "../lib/provenance";
import { describe } from "./describe";
import { paired } from "./inference";

const METRICS: (keyof Metrics)[] = [
  "energy_j",
  "joules_per_output_token",
  "joules_per_request",
  "tokens_per_second",
  "mean_power_w",
  "window_s",
  "ttft_ms_p50",
  "gpu_energy_j",
  "cpu_energy_j",
  "output_tokens",
];

function keyOf(row: ResultRow, column: GroupColumn): string {
  return column === "campaign" ? row.campaign_id : String(row[column]);
}

export function groupOf(rows: ResultRow[], by: GroupColumn[]): Group {
  const first = rows[0];
  const of = <T>(column: GroupColumn, value: T | undefined) => (by.includes(column) ? (value ?? null) : null);
  return {
    campaign_id: of("campaign", first?.campaign_id),
    campaign_name: of("campaign", first?.campaign_name),
    experiment: of("experiment", first?.experiment),
    backend: of("backend", first?.backend),
    model: of("model", first?.model),
    cycle: of("cycle", first?.cycle),
    n: rows.length,
    provenance: weakest(rows.flatMap((row) => row.provenance ?? [])),
    metrics: Object.fromEntries(
      METRICS.map((key) => [key, describe(rows.flatMap((row) => row[key] ?? []))]),
    ) as Metrics,
  };
}

/** Groups of completed runs, in the order in which they first occur. */
export function groups(rows: ResultRow[], by: GroupColumn[]): Group[] {
  const members = new Map<string, ResultRow[]>();
  for (const row of rows.filter(({ status }) => status === "completed")) {
    const key = by.map((column) => keyOf(row, column)).join("\n");
    members.set(key, [...(members.get(key) ?? []), row]);
  }
  return [...members.values()].map((group) => groupOf(group, by));
}

function valueIn(one: Compared, parameter: string): Value | null {
  if (parameter === "campaign") return one.campaign_name;
  if (parameter === "backend" || parameter === "model") return one[parameter];
  return (one.parameters as { [key in string]: Value })[parameter] ?? null;
}

function cycles(rows: ResultRow[]): Map<number, number> {
  return new Map(
    rows.flatMap((row) =>
      row.joules_per_output_token === null ? [] : [[row.cycle, row.joules_per_output_token] as const],
    ),
  );
}

/** The first beside each other one of its campaign, by the cycles that both have. */
function pairs(experiments: { one: Compared; rows: ResultRow[] }[]): Pair[] {
  const [first] = experiments;
  if (first === undefined) return [];
  return experiments.flatMap(({ one, rows }, second) => {
    if (second === 0 || one.campaign_id !== first.one.campaign_id) return [];
    const found = paired(cycles(first.rows), cycles(rows));
    return found === null ? [] : [{ second, joules_per_output_token: found }];
  });
}

/** Experiments with their completed runs, side by side. */
export function comparison(sides: { one: Compared; rows: ResultRow[] }[]): Comparison {
  const experiments = sides.map(({ one }) => one);
  const parameters = experiments.flatMap((one) => Object.keys(one.parameters as object)).toSorted();
  const differences = [...new Set(["campaign", "backend", "model", ...parameters])].map((parameter) => ({
    parameter,
    values: experiments.map((one) => valueIn(one, parameter)),
  }));
  return {
    experiments,
    differences: differences.filter(({ values }) => new Set(values.map((v) => JSON.stringify(v))).size > 1),
    pairs: pairs(sides),
  };
}
