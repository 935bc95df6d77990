// The columns of the table of runs: what each shows, with its unit in the heading.
import type { ResultRow, SortColumn } from "../../api/bindings";
import { dateTime, digits, duration, MISSING } from "../../lib/format";
import { GRADES } from "../../lib/grades";

export type Column = {
  key: string;
  heading: string;
  width: number;
  numeric: boolean;
  sort: SortColumn | null;
  text: (row: ResultRow) => string;
  /** Whether the number says beside it if it was not measured. */
  energy: boolean;
  byDefault: boolean;
};

function number(value: number | null, factor = 1): string {
  return value === null ? MISSING : digits(value * factor);
}

function column(
  key: SortColumn & keyof ResultRow,
  heading: string,
  width: number,
  text: (row: ResultRow) => string,
  options: Partial<Column> = {},
): Column {
  return { key, heading, width, numeric: true, sort: key, text, energy: false, byDefault: true, ...options };
}

/** An adjusted energy is none without the name of its baseline. */
function adjusted(row: ResultRow): string {
  return row.adjusted_energy_j === null
    ? MISSING
    : `${digits(row.adjusted_energy_j)} (${row.baseline_kind ?? "unnamed"})`;
}

/** What an external meter saw: measured, whatever the devices' energy was, and not sorted by, for most runs have none. */
function byMeter(key: keyof ResultRow, heading: string, width: number, text: Column["text"]): Column {
  return { key, heading, width, numeric: true, sort: null, text, energy: false, byDefault: false };
}

const WORD = { numeric: false };
const HIDDEN = { byDefault: false };
const ENERGY = { energy: true };

/** In the order in which they stand: what tells a run from its neighbours, what it cost, and where it comes from. */
export const COLUMNS: readonly Column[] = [
  column(
    "started_at",
    "Started",
    152,
    (row) => (row.started_at === null ? MISSING : dateTime(Date.parse(row.started_at))),
    WORD,
  ),
  column("experiment", "Experiment", 290, (row) => row.experiment, WORD),
  column("cycle", "Cycle", 60, (row) => String(row.cycle)),
  column("grade", "Grade", 96, (row) => (row.grade === null ? MISSING : GRADES[row.grade].letter), WORD),
  column("energy_j", "Energy, J", 136, (row) => number(row.energy_j), ENERGY),
  column(
    "joules_per_output_token",
    "mJ/token",
    136,
    (row) => number(row.joules_per_output_token, 1000),
    ENERGY,
  ),
  column("tokens_per_second", "Tokens/s", 84, (row) => number(row.tokens_per_second)),
  column("mean_power_w", "Power, W", 136, (row) => number(row.mean_power_w), ENERGY),
  column("window_s", "Window", 84, (row) => duration(row.window_s)),
  column("ttft_ms_p50", "TTFT, ms", 84, (row) => number(row.ttft_ms_p50)),
  column("campaign_name", "Campaign", 150, (row) => row.campaign_name, WORD),
  column("backend", "Backend", 90, (row) => row.backend, WORD),
  column("model", "Model", 180, (row) => row.model, WORD),
  column("output_tokens", "Output tokens", 110, (row) => row.output_tokens?.toString() ?? MISSING, HIDDEN),
  column("joules_per_request", "J/request", 140, (row) => number(row.joules_per_request), {
    ...ENERGY,
    ...HIDDEN,
  }),
  column("joules_per_token", "mJ/all tokens", 144, (row) => number(row.joules_per_token, 1000), {
    ...ENERGY,
    ...HIDDEN,
  }),
  column("adjusted_energy_j", "Above baseline, J", 200, adjusted, { ...ENERGY, ...HIDDEN }),
  byMeter("meter_energy_j", "By the meter, J", 130, (row) => number(row.meter_energy_j)),
  byMeter("meter_joules_per_output_token", "By the meter, mJ/token", 170, (row) =>
    number(row.meter_joules_per_output_token, 1000),
  ),
  column("gap_actual_s", "Gap", 80, (row) => duration(row.gap_actual_s), HIDDEN),
  column("start_temperature_c", "Start, °C", 84, (row) => number(row.start_temperature_c), HIDDEN),
];

/** Why a value of a column is missing. */
export function whyMissing(row: ResultRow, key?: string): string {
  if (row.error !== null) return row.error;
  if (row.status !== "completed") return `the run is ${row.status}`;
  if (key === "grade") return "the run was made by a version without grades";
  if (key?.startsWith("meter_")) return "no external power meter was imported for the run";
  if (key === "adjusted_energy_j") {
    return row.baseline_kind === null
      ? "the campaign took no baseline"
      : `withheld: the run tells why of its ${row.baseline_kind} baseline`;
  }
  return "the worker or the meter does not report it";
}
