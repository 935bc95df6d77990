// What was around a run: how the gap before it went, who else was on the devices, what had changed since the campaign
// began. In the shape in which the engine stores it.
import type { ResultRow, Value } from "../api/bindings";
import { GPU } from "./physics";

type Foreign = {
  device: string;
  pid: number;
  name: string | null;
  kind: string;
  display: boolean;
  memory_bytes: number | null;
  utilization_pct: number | null;
};

/** A notebook that someone left open, in a run of the longest campaign. */
export function foreignOf(row: ResultRow): Foreign[] {
  if (row.gpu_energy_j === null || row.index !== 9) return [];
  return [
    {
      device: GPU.id,
      pid: 31_407,
      name: "python3",
      kind: "compute",
      display: false,
      memory_bytes: 2.1e9,
      utilization_pct: 7,
    },
  ];
}

/** Someone lowered the power limit before the same run. */
export function driftOf(row: ResultRow): string[] {
  return foreignOf(row).map(({ device }) => `devices.${device}.facts.power_limit_w is 300, was 350`);
}

function look(row: ResultRow): Value {
  return {
    devices: row.gpu_energy_j === null ? [] : [{ id: GPU.id, now: { sm_clock_mhz: "345" } }],
    tenants: { foreign: foreignOf(row), unknown: [] },
    host: { load_average: [0.4, 0.3, 0.3], swap_used_bytes: 0, governor: "performance" },
  } as Value;
}

export function surroundingsOf(row: ResultRow): Value | null {
  if (row.status !== "completed") return null;
  return { before: look(row), after: look(row), drift: driftOf(row) } as Value;
}

/** How the gap was to end, and its temperatures. */
export function gapOf(row: ResultRow): Value | null {
  if (row.gap_actual_s === null) return null;
  const start = row.start_temperature_c;
  return {
    mode: "fixed",
    start_temperature_c: start === null ? null : start + 14,
    end_temperature_c: start,
    reference_temperature_c: null,
  };
}

export function gapEnd(row: ResultRow): string {
  if (row.gap_actual_s === null) return "none";
  return row.index % 7 === 5 ? "skipped" : "elapsed";
}
