// What several values say of a trend or of a difference, as the engine computes it: lines, pairs of cycles, bootstrap.
import type { Interval, Line, Paired } from "../api/bindings";
import { quantile } from "../lib/quantile";
import { describe } from "./describe";
import { student975, twoSidedP } from "./student";

/** Fewer than the engine draws: these are pictures, and the page waits for them. */
const RESAMPLES = 2000;
const LEAST_FOR_BOOTSTRAP = 5;

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function alike(values: number[]): boolean {
  const size = Math.max(...values.map(Math.abs));
  return Math.max(...values) - Math.min(...values) <= 1e-12 * size;
}

/** By percentiles, where the engine corrects for bias and skewness. The seed is fixed: the same values have the same one. */
export function bootstrap(values: number[]): Interval | null {
  if (values.length < LEAST_FOR_BOOTSTRAP || alike(values)) return null;
  let seed = 1987;
  const draw = () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return values[Math.floor((seed / 4_294_967_296) * values.length)] ?? 0;
  };
  const means = Array.from({ length: RESAMPLES }, () => mean(values.map(draw)));
  const [low, high] = [quantile(means, 0.025), quantile(means, 0.975)];
  return low === null || high === null ? null : { low, high };
}

/** Ordinary least squares; null of fewer than three points, and where x is constant. */
export function line(points: readonly (readonly [number, number])[]): Line | null {
  const n = points.length;
  const xs = points.map(([x]) => x);
  if (n < 3 || alike(xs)) return null;
  const [xMean, yMean] = [mean(xs), mean(points.map(([, y]) => y))];
  const sum = (of: (dx: number, dy: number) => number) =>
    points.reduce((all, [x, y]) => all + of(x - xMean, y - yMean), 0);
  const xx = sum((dx) => dx * dx);
  const slope = sum((dx, dy) => dx * dy) / xx;
  const residual = sum((dx, dy) => (dy - slope * dx) ** 2);
  const error = Math.sqrt(residual / (n - 2) / xx);
  const half = student975(n - 2) * error;
  const spread = sum((_, dy) => dy * dy);
  return {
    n,
    slope,
    intercept: yMean - slope * xMean,
    slope_low: slope - half,
    slope_high: slope + half,
    p: residual > 1e-20 * n ? twoSidedP(slope / error, n - 2) : null,
    r_squared: spread > 0 ? 1 - residual / spread : null,
  };
}

/** Values by cycle; null of fewer than two cycles that both have. */
export function paired(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Paired | null {
  const cycles = [...a.keys()].filter((cycle) => b.has(cycle)).toSorted((x, y) => x - y);
  const of = (values: ReadonlyMap<number, number>) => cycles.map((cycle) => values.get(cycle) ?? 0);
  const [first, second] = [of(a), of(b)];
  const differences = second.map((value, index) => value - (first[index] ?? 0));
  const statistic = describe(differences);
  if (statistic === null || statistic.sd === null) return null;
  const logs = describe(second.map((value, index) => Math.log(value / (first[index] ?? 0))));
  const { n, mean: difference, sd, ci_low, ci_high } = statistic;
  const d_z = alike(differences) ? null : difference / sd;
  const bca = bootstrap(differences);
  return {
    n,
    cycles,
    mean_a: mean(first),
    mean_b: mean(second),
    difference,
    sd,
    ci_low: ci_low ?? difference,
    ci_high: ci_high ?? difference,
    bca_low: bca?.low ?? null,
    bca_high: bca?.high ?? null,
    ratio: logs === null ? null : Math.exp(logs.mean),
    ratio_low: logs?.ci_low == null ? null : Math.exp(logs.ci_low),
    ratio_high: logs?.ci_high == null ? null : Math.exp(logs.ci_high),
    p: d_z === null ? null : twoSidedP(d_z * Math.sqrt(n), n - 1),
    d_z,
  };
}
