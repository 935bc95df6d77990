// How a run of the grid looks, and what it says: its state by a sign, a colour and a word.
import type { RunCell, RunCellStatus } from "../../api/bindings";
import { duration, si } from "../../lib/format";
import { gradeName } from "../../lib/grades";
import { provenanceMark } from "../../lib/provenance";

type Look = { sign: string; color: string };

const LOOK: Record<RunCellStatus, Look> = {
  planned: { sign: "·", color: "var(--mantine-color-default)" },
  waiting: { sign: "…", color: "var(--mantine-color-blue-light)" },
  running: { sign: "▶", color: "var(--mantine-color-teal-light)" },
  completed: { sign: "✓", color: "var(--mantine-color-green-light)" },
  failed: { sign: "✕", color: "var(--mantine-color-red-light)" },
  interrupted: { sign: "‖", color: "var(--mantine-color-yellow-light)" },
  not_needed: { sign: "–", color: "transparent" },
};

/** A run whose figures are not valid is not ticked off. */
export function lookOf({ status, grade }: Pick<RunCell, "status" | "grade">): Look {
  if (status === "completed" && grade === "invalid") {
    return { sign: "!", color: "var(--mantine-color-orange-light)" };
  }
  return LOOK[status];
}

/** `not needed` for `not_needed`. */
export function statusWord(status: RunCellStatus): string {
  return status.replace("_", " ");
}

/** Everything that is known of a run, in one line. */
export function describe(run: RunCell): string {
  const parts = [`Run ${run.index + 1}: ${run.experiment}, cycle ${run.cycle}, ${statusWord(run.status)}`];
  if (run.status === "not_needed") parts.push("its experiment is known well enough without it");
  if (run.status === "completed" && run.grade !== null) {
    parts.push(run.grade === "invalid" ? "its figures are not valid" : gradeName(run.grade));
  }
  if (run.energy_j !== null) {
    const mark = provenanceMark(run.provenance);
    parts.push(`${si(run.energy_j, "J")}, ${si(run.joules_per_output_token, "J/token")}${mark}`);
  }
  if (run.duration_s !== null) parts.push(duration(run.duration_s));
  if (run.error !== null) parts.push(run.error);
  return parts.join("; ");
}
