// What groups of runs are compared by.
import type { Metrics, Statistic } from "../../api/bindings";
import { digits, MISSING } from "../../lib/format";

export type Metric = { key: keyof Metrics; label: string; unit: string; energy: boolean };

export const METRICS: readonly Metric[] = [
  { key: "joules_per_output_token", label: "Energy per output token", unit: "J/token", energy: true },
  { key: "energy_j", label: "Energy", unit: "J", energy: true },
  { key: "joules_per_request", label: "Energy per request", unit: "J/request", energy: true },
  { key: "tokens_per_second", label: "Throughput", unit: "tokens/s", energy: false },
  { key: "mean_power_w", label: "Mean power", unit: "W", energy: true },
  { key: "ttft_ms_p50", label: "Time to first token (median)", unit: "ms", energy: false },
  { key: "window_s", label: "Window", unit: "s", energy: false },
];

/** The mean with half the width of its interval: `12.4 ± 0.3`. */
export function meanText(statistic: Statistic | null): string {
  if (statistic === null) return MISSING;
  const { mean, ci_high: high } = statistic;
  return high === null ? digits(mean) : `${digits(mean)} ± ${digits(high - mean)}`;
}

/** What a reader should know of an interval of so few values. */
export function caution(n: number): string | null {
  if (n === 0) return "no completed run";
  if (n === 1) return "one run: no spread is known";
  return n < 3 ? `only ${n} runs: the interval is wide` : null;
}
