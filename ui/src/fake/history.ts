// What was run in the fake project before the page was opened.
import type { CampaignStatus, PlanExperiment, Provenance, ResultRow } from "../api/bindings";
import { planOf, type Plan } from "./plan";
import { emptyRow, pastRow, windowOf, type Place } from "./rows";

/** A campaign with its plan. Its counts are those of its rows. */
export type Kept = {
  id: string;
  name: string;
  text: string;
  plan: Plan;
  createdMs: number;
  endedMs: number | null;
  status: CampaignStatus;
  message: string | null;
  /** Positions of runs whose experiment is known well enough without them. */
  notNeeded: number[];
};

export type History = { campaigns: Kept[]; rows: ResultRow[] };

type Past = {
  id: string;
  text: string;
  createdMs: number;
  provenance: Provenance;
  /** Runs that were done; the one after them was cut off. */
  done?: number;
};

const DAY = 86_400_000;
const YESTERDAY = Date.UTC(2026, 10, 23, 8, 0);

const LLAMA = `  models: [meta-llama/Llama-3.1-8B]
  shared:
    max_output_tokens: 128
    num_input_prompts: 100
`;

const PAST: Past[] = [
  {
    id: "c-0001",
    text: `campaign_name: simulated trial\nrunner: process\ngrid:\n  backends: [candle]\n  models: [synthetic/llama-15m]\n  shared: {max_output_tokens: [64, 128]}\nexecution: {cycles: 1}\n`,
    createdMs: YESTERDAY - 3 * DAY,
    provenance: "simulated",
  },
  {
    id: "c-0002",
    text: `campaign_name: quickstart\nrunner: process\ngrid:\n  backends: [candle]\n  models: [synthetic/llama-15m]\n  shared: {max_output_tokens: [64, 128], num_input_prompts: 16}\nexecution: {cycles: 2, config_gap_seconds: 1, cycle_gap_seconds: 2}\n`,
    createdMs: YESTERDAY - 2 * DAY,
    provenance: "estimated",
  },
  {
    id: "c-0003",
    text: `campaign_name: batch sweep\ngrid:\n  backends: [pytorch]\n${LLAMA}    batch_size: [1, 8, 32, 64]\nexecution: {cycles: 6, seed: 7}\n`,
    createdMs: YESTERDAY - DAY,
    provenance: "measured",
  },
  {
    id: "c-0004",
    text: `campaign_name: night sweep\ngrid:\n  backends: [pytorch]\n${LLAMA}    batch_size: [4, 16]\nexecution: {cycles: 3}\n`,
    createdMs: YESTERDAY,
    provenance: "measured",
    done: 3,
  },
];

/** Rows of this many, for a table that is longer than anyone scrolls. */
const MANY: Past = {
  id: "c-many",
  text: `campaign_name: every prompt length\ngrid:\n  backends: [pytorch]\n  models: [meta-llama/Llama-3.1-8B]\n  shared:\n    max_input_tokens: [${Array.from({ length: 500 }, (_, i) => 8 * (i + 1)).join(", ")}]\nexecution: {cycles: 200}\n`,
  createdMs: YESTERDAY - 200 * DAY,
  provenance: "measured",
};

export function history(settings: string, many: boolean): History {
  const all = (many ? [MANY] : PAST).map((past) => one(past, settings, many));
  return { campaigns: all.map(({ campaign }) => campaign), rows: all.flatMap(({ rows }) => rows) };
}

function one(past: Past, settings: string, many: boolean): { campaign: Kept; rows: ResultRow[] } {
  const plan = planOf(past.text, { settings, file: "campaign.yaml" });
  const order = many ? everyRun(plan) : plan.runs;
  let at = past.createdMs;
  const rows = order.slice(0, (past.done ?? order.length) + 1).flatMap((run, index) => {
    const experiment = plan.experiments[run.experiment];
    if (experiment === undefined) return [];
    at += 1000 * (run.gap_before_s + 9 + windowOf(experiment).seconds);
    const place = placeOf(past.id, plan.name, index, run, at);
    if (index === past.done) return [emptyRow(experiment, place, "interrupted", "the campaign was stopped")];
    return [pastRow(experiment, place, past.provenance)];
  });
  const stopped = past.done !== undefined;
  const campaign: Kept = {
    id: past.id,
    name: plan.name,
    text: past.text,
    plan,
    createdMs: past.createdMs,
    endedMs: at,
    status: stopped ? "interrupted" : "completed",
    message: stopped ? "stopped by the user" : null,
    notNeeded: [],
  };
  return { campaign, rows };
}

/** Previews tell at most 5000 runs. */
function everyRun(plan: Plan): Plan["runs"] {
  const gap_before_s = plan.gaps.between_experiments.value;
  return Array.from({ length: plan.runs_total }, (_, index) => ({
    experiment: index % plan.experiments.length,
    cycle: 1 + Math.floor(index / plan.experiments.length),
    gap_before_s,
    gap_kind: "between_experiments",
    estimated_s: null,
  }));
}

export function placeOf(
  campaignId: string,
  campaignName: string,
  index: number,
  run: { cycle: number; gap_before_s: number },
  startedMs: number,
): Place {
  return { campaignId, campaignName, index, cycle: run.cycle, attempt: 1, startedMs, gapS: run.gap_before_s };
}

export function experimentOf(plan: Plan, index: number): PlanExperiment | undefined {
  const run = plan.runs[index];
  return run === undefined ? undefined : plan.experiments[run.experiment];
}
