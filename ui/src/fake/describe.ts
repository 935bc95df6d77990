// What is known of repeated values, as the engine describes them.
import type { Statistic } from "../api/bindings";
import { quantile } from "../lib/quantile";
import { student975 } from "./student";

/** The greatest modified z-score (Iglewicz and Hoaglin 1993) that is no outlier. */
const FAR = 3.5;

/** Positions of the values that lie far from the others; of fewer than three, none. */
function outliers(values: number[], median: number, mad: number): number[] {
  const deviations = values.map((value) => Math.abs(value - median));
  const noise = 1e-12 * Math.abs(median);
  const even = (deviations.reduce((a, b) => a + b, 0) / deviations.length) * 1.253314;
  const sd = mad > noise ? mad / 0.6745 : even;
  const far = (deviation: number) => deviation > noise && deviation > FAR * sd;
  return values.length < 3 ? [] : deviations.flatMap((deviation, index) => (far(deviation) ? [index] : []));
}

export function describe(values: number[]): Statistic | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const sd = n < 2 ? null : Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  const half = sd === null ? null : (student975(n - 1) * sd) / Math.sqrt(n);
  const median = quantile(values, 0.5) ?? mean;
  const deviations = values.map((value) => Math.abs(value - median));
  const mad = quantile(deviations, 0.5) ?? 0;
  return {
    n,
    mean,
    median,
    sd,
    cv: sd === null ? null : sd / Math.abs(mean),
    mad,
    ci_low: half === null ? null : mean - half,
    ci_high: half === null ? null : mean + half,
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b)),
    outliers: outliers(values, median, mad),
    values,
  };
}
