// The checks of a run and of an experiment, made from rows with the limits and the words of the engine. Not all of its
// checks are here: enough of each verdict.
import type {
  ExperimentQuality,
  Line,
  QualityCheck,
  QualityGrade,
  QualityReport,
  QualityVerdict,
  ResultRow,
  Statistic,
} from "../api/bindings";
import { baselinesOf } from "./baselines";
import { noise } from "./physics";
import { foreignOf, driftOf } from "./surroundings";

type Said = [verdict: QualityVerdict, why: string, value?: number | null];

function check(
  id: string,
  unit: string,
  threshold: string,
  [verdict, why, value = null]: Said,
): QualityCheck {
  return { id, value, unit, threshold, verdict, why };
}

/** The verdict of a value that should be small. */
function atMost(value: number, pass: number, warn: number, poor: number): QualityVerdict {
  if (value <= pass) return "pass";
  return value <= warn ? "warn" : value <= poor ? "poor" : "invalid";
}

export function gradeOf(checks: QualityCheck[]): QualityGrade {
  const any = (verdict: QualityVerdict) => checks.some((one) => one.verdict === verdict);
  return any("invalid") ? "invalid" : any("poor") ? "c" : any("warn") ? "b" : "a";
}

/** What is known of how well a completed run was measured. */
export function qualityOf(row: ResultRow): QualityReport {
  const checks = [...recording(row), ...energy(row), ...devices(row), ...conditions(row)];
  return { grade: gradeOf(checks), checks };
}

function recording(row: ResultRow): QualityCheck[] {
  const window = row.window_s ?? 0;
  const length: QualityVerdict =
    window >= 30 ? "pass" : window >= 10 ? "warn" : window >= 2 ? "poor" : "invalid";
  const cover = 99.6 + 0.3 * noise(row.index);
  const coverage: Said = ["pass", `Readings cover ${cover.toFixed(1)} % of the window.`, cover];
  const samples = Math.round(window * 20);
  const enough: QualityVerdict = samples >= 100 ? "pass" : samples >= 10 ? "warn" : "invalid";
  return [
    check("window", "s", "at least 30 s; warn from 10 s, poor from 2 s, invalid below", [
      length,
      `The window lasted ${window.toFixed(1)} s.`,
      window,
    ]),
    check("window_content", "", "inference and nothing else; invalid otherwise", [
      "pass",
      "The window holds inference and nothing else.",
    ]),
    check("coverage", "%", "at least 95 %; warn from 75 %, invalid below", coverage),
    check("samples", "", "at least 100; warn from 10, invalid below", [
      enough,
      `There are ${samples} regular readings in the window.`,
      samples,
    ]),
    check("read_errors", "", "none; warn otherwise", ["pass", "No reading failed.", 0]),
  ];
}

function energy(row: ResultRow): QualityCheck[] {
  const measured = row.provenance === "measured";
  const each = row.joules_per_output_token ?? 0;
  const joules = `The window took ${row.energy_j?.toFixed(1)} J, give or take ${row.energy_uncertainty_j?.toFixed(1)} J.`;
  const off = 0.4 + 0.3 * noise(row.index + 0.6);
  const both = check(
    "counter_vs_integral",
    "%",
    "at most 2 %; warn to 5 %, poor to 10 %, invalid above or if the counter was reset",
    ["pass", `Integrated power differs from the energy counter by ${off.toFixed(1)} %.`, off],
  );
  return [
    check("energy", "J", "known and above 0 for every device; invalid otherwise", [
      "pass",
      joules,
      row.energy_j,
    ]),
    check("provenance", "", "measured; poor if estimated or simulated", [
      measured ? "pass" : "poor",
      measured ? "The energy was measured." : `The energy is ${row.provenance}, not measured.`,
    ]),
    ...(measured ? [both] : []),
    check("joules_per_token", "J/token", "at most 100 J/token; invalid above", [
      each <= 100 ? "pass" : "invalid",
      `An output token took ${each.toFixed(3)} J.`,
      each,
    ]),
  ];
}

function devices(row: ResultRow): QualityCheck[] {
  if (row.gpu_energy_j === null) return [];
  const [foreign] = foreignOf(row);
  const others: Said =
    foreign === undefined
      ? ["pass", "No other process was on NVIDIA H100 PCIe.", 0]
      : ["invalid", `Process ${foreign.pid} used NVIDIA H100 PCIe too, and its energy is counted.`, 1];
  const none = "none; warn if all are idle (below 1 %) or of unknown use, invalid if one is active";
  return [
    check("foreign_processes", "", none, others),
    check("persistence", "", "on; warn if off", ["pass", "The driver keeps NVIDIA H100 PCIe initialised."]),
    check("thermal_throttling", "%", "none; warn to 1 % of the window, poor to 5 %, invalid above", [
      "pass",
      "NVIDIA H100 PCIe was held down by its temperature for 0.0 % of the window.",
      0,
    ]),
  ];
}

function conditions(row: ResultRow): QualityCheck[] {
  const start = row.start_temperature_c ?? 0;
  const usual = row.backend === "candle" ? 36 : 41;
  const off = Math.abs(start - usual);
  const changes = driftOf(row);
  const chosen = baselinesOf(row).find((baseline) => baseline.chosen);
  const limits =
    "drift at most 5 % and age at most 2 h; warn to 10 % or if older, poor above 10 % (adjusted energy withheld)";
  const drift = 100 * (chosen?.drift ?? 0);
  const age = `The baseline (bare) was ${((chosen?.age_s ?? 0) / 60).toFixed(0)} min old`;
  const cool: QualityVerdict = off <= 3 ? "pass" : off <= 10 ? "warn" : "invalid";
  const skipped = row.index % 7 === 5;
  return [
    check("start_temperature", "°C", "within 3 °C of the reference; warn to 10 °C, invalid beyond", [
      cool,
      `The device was at ${start} °C at the start; the reference is ${usual} °C.`,
      off,
    ]),
    check("gap", "", "ended by itself; warn if it reached its maximum or was skipped", [
      skipped ? "warn" : "pass",
      skipped ? "The pause before the run was skipped." : "The pause before the run was waited out.",
    ]),
    check("warm_up", "", "converged; warn if it ended at its limit or there was none", [
      "unknown",
      "Warm-up had a fixed length; whether latencies were stable was not asked.",
    ]),
    ...(chosen === undefined
      ? []
      : [
          check("baseline", "%", limits, [
            atMost(drift, 5, 10, Number.POSITIVE_INFINITY),
            `${age} and had drifted by ${drift.toFixed(1)} %.`,
            drift,
          ]),
        ]),
    check("environment", "", "as at the start of the campaign; invalid at any difference", [
      changes.length === 0 ? "pass" : "invalid",
      changes.length === 0
        ? "The environment is as at the start of the campaign."
        : `The environment has changed: ${changes.join(", ")}.`,
    ]),
    check("host_load", "%", "at most 20 % of the CPUs used by others; warn above", [
      "unknown",
      "The load of other processes is not known.",
    ]),
  ];
}

/** The checks that take several runs. */
export function experimentQuality(
  experiment: string,
  rows: ResultRow[],
  statistic: Statistic | null,
  lines: (Line | null)[],
): ExperimentQuality {
  const percent = statistic?.cv == null ? null : 100 * statistic.cv;
  const varies: Said =
    percent === null
      ? ["unknown", "It takes two runs or more with J/token to see how they vary."]
      : [
          atMost(percent, 2, 5, 10),
          `J/token of ${statistic?.n} runs varies by ${percent.toFixed(1)} % (standard deviation over mean).`,
          percent,
        ];
  const flagged = (statistic?.outliers ?? []).map((position) => rows[position]?.run_id);
  const stands: Said =
    flagged.length === 0
      ? ["pass", "No run is an outlier.", 0]
      : ["warn", `Flagged, and kept: ${flagged.join(", ")}.`, flagged.length];
  const temperatures = rows.flatMap((row) => row.start_temperature_c ?? []);
  const spread = Math.max(...temperatures) - Math.min(...temperatures);
  const checks = [
    check(
      "repeatability",
      "%",
      "coefficient of variation of J/token at most 2 %; warn to 5 %, poor to 10 %, invalid above",
      varies,
    ),
    check("outliers", "", "none; warn otherwise", stands),
    check("order_effect", "", "p above 0.05; warn otherwise", orderEffect(lines)),
    ...(temperatures.length === 0
      ? []
      : [
          check(
            "start_temperature_spread",
            "°C",
            "within 3 °C of the median run; warn to 10 °C, invalid beyond",
            [
              temperatures.length < 2 ? "unknown" : atMost(spread / 2, 3, 10, 10),
              temperatures.length < 2
                ? "It takes two runs or more with start temperatures to compare them."
                : `Runs started at ${Math.min(...temperatures)} to ${Math.max(...temperatures)} °C.`,
              temperatures.length < 2 ? null : spread / 2,
            ],
          ),
        ]),
  ];
  return { experiment, grade: gradeOf(checks), checks };
}

function orderEffect(lines: (Line | null)[]): Said {
  const known = lines.flatMap((line, index) => {
    const what = index === 0 ? "the position in the campaign" : "the start temperature";
    return line?.p == null ? [] : [{ p: line.p, what }];
  });
  const least = known.toSorted((a, b) => a.p - b.p)[0];
  if (least === undefined) return ["unknown", "It is not known whether energy depends on the order of runs."];
  const why = `An association of energy with ${least.what} as strong as this has p = ${least.p.toFixed(3)} by chance.`;
  return [least.p > 0.05 ? "pass" : "warn", why, least.p];
}
