// An external power meter at the wall, as the fake imports it: the rest of the machine draws 140 W behind a power supply of
// 92 %, and is read each second.
import type { MeterImport, MeterOptions, MeterTarget, ResultRow, RunMeter } from "../api/bindings";
import { failure } from "./failure";
import type { World } from "./world";

const REST_W = 140;
const SUPPLY = 0.92;

/** The whole machine's power while its devices draw so much. */
export function wallPower(devicesW: number): number {
  return (devicesW + REST_W) / SUPPLY;
}

function metered(row: ResultRow, options: MeterOptions): RunMeter | null {
  if (row.energy_j === null || row.window_s === null) return null;
  const energy = wallPower(row.energy_j / row.window_s) * row.window_s;
  const byPower = options.alignment === "power";
  return {
    name: options.name ?? "wall",
    file_name: "wall.csv",
    file_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    imported_unix_ns: Date.now() * 1e6,
    alignment: options.alignment,
    offset_s: options.offset_s + (byPower ? -2.75 : 0),
    offset_uncertainty_s: byPower ? 0.5 : Math.hypot(options.clock_error_s ?? 0.8, 0.5),
    correlation: 0.97,
    accuracy: options.accuracy_percent == null ? null : options.accuracy_percent / 100,
    interval_s: 1,
    readings: Math.round(row.window_s + 10),
    energy_j: energy,
    energy_uncertainty_j: energy * 0.012,
    withheld: null,
    notes: ["the file's dates name no time zone: that of this machine was taken"],
  };
}

/** Brings the file beside every run of the target; a campaign's first run lies before the file begins. */
export function importMeter(world: World, target: MeterTarget, options: MeterOptions): MeterImport {
  const wanted = world.rows.filter((row) =>
    "run" in target
      ? row.run_id === target.run
      : row.campaign_id === target.campaign && row.window_s !== null,
  );
  const taken = wanted.find(({ run_id }) => world.meters.has(run_id));
  if (taken && !options.replace) {
    const message = `run ${taken.run_id} has a meter already: wall from wall.csv; nothing was changed`;
    throw failure("conflict", message, "a run has one meter: say so to replace it, or remove it first");
  }
  if (options.power_column === "missing") {
    const message = "/home/ada/wall.csv: no line names a column of time and one of power";
    throw failure("bad_input", message, "name the columns of time and power as they are written in the file");
  }
  const runs = wanted.map((row, at) => {
    const before = "campaign" in target && at === 0;
    const meter = before ? null : metered(row, options);
    if (meter) world.meters.set(row.run_id, meter);
    const skipped = meter
      ? null
      : "the file covers 2026-01-31T18:30:05Z to 2026-01-31T20:10:05Z, and the window is 2026-01-31T18:01:11Z to 2026-01-31T18:01:41Z";
    return { run_id: row.run_id, experiment: row.experiment, cycle: row.cycle, meter, skipped };
  });
  world.rows = world.rows.map((row) => withMeter(row, world.meters.get(row.run_id) ?? null));
  return { file: "wall.csv", readings: 86_400, notes: [], runs };
}

export function removeMeter(world: World, target: MeterTarget): number {
  const gone = world.rows.filter((row) =>
    "run" in target ? row.run_id === target.run : row.campaign_id === target.campaign,
  );
  const removed = gone.filter(({ run_id }) => world.meters.delete(run_id)).length;
  world.rows = world.rows.map((row) => withMeter(row, world.meters.get(row.run_id) ?? null));
  return removed;
}

function withMeter(row: ResultRow, meter: RunMeter | null): ResultRow {
  const energy = meter?.energy_j ?? null;
  return {
    ...row,
    meter_name: meter?.name ?? null,
    meter_energy_j: energy,
    meter_energy_uncertainty_j: meter?.energy_uncertainty_j ?? null,
    meter_joules_per_output_token: energy === null || !row.output_tokens ? null : energy / row.output_tokens,
    meter_devices_share: energy === null || row.energy_j === null ? null : row.energy_j / energy,
  };
}
