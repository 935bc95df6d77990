// Where the blocks of a plan's timeline lie.
import type { PlanRun } from "../../api/bindings";

export type Block = {
  kind: "run" | "gap";
  run: number;
  experiment: number;
  cycle: number;
  /** Shares of the whole. */
  from: number;
  to: number;
  seconds: number;
};

/** A run whose time nobody knows is drawn as long as the mean of those that are known, or of the gaps. */
function usual(runs: PlanRun[]): number {
  const known = runs.flatMap((run) => run.estimated_s ?? []);
  if (known.length > 0) return known.reduce((a, b) => a + b, 0) / known.length;
  const gaps = runs.reduce((sum, run) => sum + run.gap_before_s, 0);
  return gaps > 0 ? gaps / runs.length : 1;
}

export function blocks(runs: PlanRun[]): Block[] {
  const unknown = usual(runs);
  const total = runs.reduce((sum, run) => sum + run.gap_before_s + (run.estimated_s ?? unknown), 0) || 1;
  let at = 0;
  return runs.flatMap((run, index) => {
    const shared = { run: index, experiment: run.experiment, cycle: run.cycle };
    const gapEnd = at + run.gap_before_s;
    const end = gapEnd + (run.estimated_s ?? unknown);
    const gap: Block = {
      ...shared,
      kind: "gap",
      from: at / total,
      to: gapEnd / total,
      seconds: run.gap_before_s,
    };
    const own: Block = {
      ...shared,
      kind: "run",
      from: gapEnd / total,
      to: end / total,
      seconds: end - gapEnd,
    };
    at = end;
    return run.gap_before_s > 0 ? [gap, own] : [own];
  });
}

export function blockAt(all: Block[], share: number): Block | null {
  return all.find((block) => share >= block.from && share < block.to) ?? null;
}
