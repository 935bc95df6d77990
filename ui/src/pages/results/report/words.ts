// Sentences of a report: what a figure says, and why one is not there.
import type { ExperimentSummary, Line, RunPoint, Statistic } from "../../../api/bindings";
import { plain, probability, range, signed, THIN } from "../../../lib/format";

/** Flags of fewer values than this are often wrong: of normal values, a third of groups of three has one. */
const FEW = 5;
const NO_BREAK = "\u00a0";
const LEAST_FOR_LINE = 3;

/** What energy may follow. */
export type Against = {
  key: "by_position" | "by_start_temperature";
  label: string;
  axis: string;
  /** Whether its axis begins at 0. */
  from0: boolean;
  /** For each of which the slope is. */
  each: string;
  x: (point: RunPoint) => number | null;
  /** What runs lack that have none, and what they have in common that have the same. */
  lacking: string;
  same: string;
};

export const AGAINST: readonly Against[] = [
  {
    key: "by_start_temperature",
    label: "Against the start temperature",
    axis: "start temperature, °C",
    from0: false,
    each: "°C",
    x: ({ start_temperature_c }) => start_temperature_c,
    lacking: "a start temperature",
    same: "started at the same temperature",
  },
  {
    key: "by_position",
    label: "Against the position in the campaign",
    axis: "position in the campaign",
    from0: true,
    each: "run",
    x: ({ index }) => index + 1,
    lacking: "a position",
    same: "stand at the same position",
  },
];

/** The runs that have both values, with their energy in percent of the mean of their experiment. */
export function percents(
  { points, joules_per_output_token: statistic }: ExperimentSummary,
  { x }: Against,
): { point: RunPoint; x: number; y: number }[] {
  if (statistic === null) return [];
  return points.flatMap((point) => {
    const at = x(point);
    const joules = point.joules_per_output_token;
    return at === null || joules === null ? [] : [{ point, x: at, y: (joules / statistic.mean) * 100 }];
  });
}

/** `+0.31 % for each °C (95 % interval 0.21 to 0.41 %), p = 0.004, n = 6` */
export function slopeText(line: Line, { each }: Against): string {
  const interval = `${range(line.slope_low, line.slope_high, "")}${THIN}%`;
  const sign = line.p !== null && line.p < 0.001 ? "p" : "p =";
  const test =
    line.p === null
      ? "no p: the points do not scatter about the line"
      : `${sign} ${probability(line.p)}`.replaceAll(" ", NO_BREAK);
  return `${signed(line.slope, "%")} for each ${each} (95 % interval ${interval}), ${test}, n = ${line.n}`;
}

/** Why there is no line. */
export function noLine(known: number, { lacking, same }: Against): string {
  if (known < LEAST_FOR_LINE) {
    const runs = known === 1 ? "1 run has" : `${known} runs have`;
    return `${runs} joules per token and ${lacking}: a slope takes three or more.`;
  }
  return `All ${known} runs ${same}: there is no slope to be seen.`;
}

/** What is to be thought of a flag. */
export function hint(statistic: Statistic): string | null {
  return statistic.n < FEW ? "weak hint" : null;
}

/** Why a figure of an experiment is missing. */
export const WHY = {
  mean: "no completed run has joules per token",
  interval: "an interval takes two runs or more",
  bootstrap: "it takes five runs or more that are not all alike: of fewer it is too narrow",
  cv: "a variation takes two runs or more",
  outliers: "a flag takes three runs or more",
} as const;

export function percent(share: number | null | undefined): string {
  return plain(share == null ? null : 100 * share, "%");
}
