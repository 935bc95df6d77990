// Statistics of groups of completed runs, as the engine computes them.
import type {
  Comparison,
  Compared,
  Group,
  GroupColumn,
  Metrics,
  ResultRow,
  Statistic,
  Value,
} from "../api/bindings";
import { weakest } from "../lib/provenance";

/** The 0.975 quantiles of Student's t for 1 to 4 degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776];

/** For more: the expansion of Fisher and Cornish (1960) around the normal quantile. */
function student975(freedom: number): number {
  const z = 1.959964;
  const known = STUDENT[freedom - 1];
  if (known !== undefined) return known;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

export function describe(values: number[]): Statistic | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const sd = n < 2 ? null : Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  const half = sd === null ? null : (student975(n - 1) * sd) / Math.sqrt(n);
  return {
    n,
    mean,
    sd,
    cv: sd === null ? null : sd / Math.abs(mean),
    ci_low: half === null ? null : mean - half,
    ci_high: half === null ? null : mean + half,
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b)),
    values,
  };
}

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

export function comparison(experiments: Compared[]): Comparison {
  const parameters = experiments.flatMap((one) => Object.keys(one.parameters as object)).toSorted();
  const differences = [...new Set(["campaign", "backend", "model", ...parameters])].map((parameter) => ({
    parameter,
    values: experiments.map((one) => valueIn(one, parameter)),
  }));
  return {
    experiments,
    differences: differences.filter(({ values }) => new Set(values.map((v) => JSON.stringify(v))).size > 1),
  };
}
