// What the devices of a run draw without work, and what of its energy lies above that.
import type { ResultRow, RunBaseline } from "../api/bindings";
import { noise } from "./physics";

/** Power at rest and with a model loaded, in watts: of the board, and of the CPU. */
const REST_W = { gpu: { bare: 72, loaded: 96 }, cpu: { bare: 61, loaded: 66 } };

/** Above this share a baseline is not to be trusted. */
const MOST_DRIFT = 0.1;

function at(row: ResultRow): number {
  return row.index + (row.started_at === null ? 0 : Date.parse(row.started_at) / 4e9);
}

/** One run of eight meets a baseline that no longer holds. */
function driftOf(row: ResultRow): number {
  return row.index % 8 === 6 ? 0.118 : 0.012 * (1 + noise(at(row)));
}

type Applied = Pick<RunBaseline, "adjusted_energy_j" | "adjusted_energy_uncertainty_j" | "withheld">;

/** Energy of the window above a baseline, or the reason why not. */
export function adjustedBy(
  row: ResultRow,
  { power_w, power_uncertainty_w, drift }: Pick<RunBaseline, "power_w" | "power_uncertainty_w" | "drift">,
): Applied {
  const none = { adjusted_energy_j: null, adjusted_energy_uncertainty_j: null };
  if (row.energy_j === null || row.window_s === null)
    return { ...none, withheld: "the energy of the window is not known" };
  if (drift !== null && drift > MOST_DRIFT) {
    const [by, most] = [drift, MOST_DRIFT].map((share) => (100 * share).toFixed(1));
    return { ...none, withheld: `the baseline drifted by ${by} %, more than ${most} %` };
  }
  const uncertainty = Math.hypot(row.energy_uncertainty_j ?? 0, power_uncertainty_w * row.window_s);
  return {
    adjusted_energy_j: row.energy_j - power_w * row.window_s,
    adjusted_energy_uncertainty_j: uncertainty,
    withheld: null,
  };
}

function baseline(row: ResultRow, kind: "bare" | "loaded", chosen: boolean): RunBaseline {
  const rest = REST_W[row.gpu_energy_j === null ? "cpu" : "gpu"][kind];
  const taken = {
    kind,
    chosen,
    power_w: rest * (1 + 0.01 * noise(at(row) + (chosen ? 0.2 : 0.7))),
    power_uncertainty_w: 0.6,
    sd_w: rest * 0.012,
    temperature_c: row.gpu_energy_j === null ? null : (row.start_temperature_c ?? 40) - 1,
    duration_s: kind === "bare" ? 30 : 5,
    age_s: kind === "bare" ? 640 + 95 * row.index : 3.4,
    drift: kind === "bare" ? driftOf(row) : null,
  };
  return { ...taken, ...adjustedBy(row, taken) };
}

/** Every baseline of a run, that of the campaign first. Trials on the simulator take none. */
export function baselinesOf(row: ResultRow): RunBaseline[] {
  if (row.status !== "completed" || row.provenance === "simulated" || row.provenance === null) return [];
  return [baseline(row, "bare", true), baseline(row, "loaded", false)];
}

/** The baseline that the campaign asked for. */
export function chosenBaseline(row: ResultRow): RunBaseline | null {
  return baselinesOf(row).find(({ chosen }) => chosen) ?? null;
}
