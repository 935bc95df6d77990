// A campaign under way on the fake machine: gaps, phases, requests and samples in their order, told as the engine tells
// them. It is moved by the machine's clock, so that a test may let it run faster, or find it in the middle.
import type {
  EndedStatus,
  GapNow,
  GapPurpose,
  LiveCampaign,
  LiveEvent,
  LogKind,
  Now,
  Phase,
  PlanExperiment,
  Provenance,
  ResultRow,
  RunCell,
  SpanKind,
  Steer,
} from "../api/bindings";
import { counted } from "../lib/format";
import { provenanceMark } from "../lib/provenance";
import { cellOf } from "./cells";
import { experimentOf, placeOf, type Kept } from "./history";
import { STEP_S, type Machine } from "./machine";
import type { Activity } from "./physics";
import { enough } from "./rest";
import { completedRow, emptyRow, windowOf } from "./rows";

export type Surroundings = {
  machine: Machine;
  epochMs: () => number;
  tell: (event: LiveEvent) => void;
  keep: (row: ResultRow) => void;
};

/** Of numbers that rest on all devices: the power of the CPU is estimated. */
const PROVENANCE: Provenance = "estimated";

const IDLE_NOW = {
  run_index: null,
  run_id: null,
  experiment: null,
  backend: null,
  cycle: null,
  phase: null,
  gap: null,
  requests_done: null,
  requests_total: null,
  output_tokens: null,
  energy_so_far_j: null,
  joules_per_token_so_far: null,
};

/** What a phase but the measured one takes, in seconds. */
const LENGTH: Record<Exclude<Phase, "measure" | "context">, number> = {
  load: 1.2,
  idle: 0.4,
  warmup: 0.8,
  unload: 0.3,
};
/** How long the machine must have been steady before the first run, in seconds; an engine waits for a minute. */
const STEADY_S = 3;

export class Session {
  readonly campaign: LiveCampaign;
  activity: Activity = "none";
  private readonly flow: Generator<undefined, void>;
  private readonly durations: number[] = [];
  private readonly todo: number[];
  private skip = false;
  /** How warm the machine was at rest before the first run. */
  private reference: number | null = null;
  private baselineTaken = false;

  constructor(
    private readonly kept: Kept,
    rows: ResultRow[],
    private readonly around: Surroundings,
  ) {
    const runs = kept.plan.runs.map((_, index) => cellOf(kept, rows, index));
    for (const run of runs) if (kept.notNeeded.includes(run.index)) run.status = "not_needed";
    this.todo = runs.filter(({ status }) => status === "planned").map(({ index }) => index);
    const count = (status: RunCell["status"]) => runs.filter((run) => run.status === status).length;
    this.campaign = {
      id: kept.id,
      name: kept.name,
      begun_s: around.machine.nowS,
      runs,
      spans: [],
      now: {
        ...IDLE_NOW,
        state: "preparing",
        pause_asked: false,
        stop_asked: false,
        total: runs.length,
        completed: count("completed"),
        failed: count("failed"),
        remaining: this.todo.length,
        left_s: null,
        ended: null,
      },
      log: [],
      gaps: kept.plan.gaps,
    };
    this.flow = this.all();
  }

  get ended(): boolean {
    return this.campaign.now.state === "ended";
  }

  get onGpu(): boolean {
    return this.campaign.now.backend !== "candle";
  }

  /** A tenth of a second passes. */
  step(): void {
    this.flow.next();
  }

  steer(action: Steer): void {
    const { now } = this.campaign;
    if (action === "skip_gap") this.skip = true;
    if (action === "pause") now.pause_asked = true;
    if (action === "go_on") now.pause_asked = false;
    if (action === "stop") now.stop_asked = true;
    this.say({});
  }

  private *all(): Generator<undefined, void> {
    for (const index of this.todo) {
      if (this.kept.notNeeded.includes(index)) continue;
      yield* this.pause();
      const experiment = experimentOf(this.kept.plan, index);
      if (this.campaign.now.stop_asked || experiment === undefined) break;
      yield* this.gap(index, experiment);
      if (this.campaign.now.stop_asked) this.finish(index, "interrupted", null);
      else yield* this.work(index, experiment);
      if (this.campaign.now.stop_asked) break;
    }
    const stopped = this.campaign.now.remaining > 0;
    this.end(stopped ? "interrupted" : "completed", stopped ? "It was stopped by the user." : null);
  }

  private *pause(): Generator<undefined, void> {
    const { now } = this.campaign;
    while (now.pause_asked && !now.stop_asked) {
      if (now.state !== "paused") this.say({ state: "paused" });
      yield;
    }
  }

  private *gap(index: number, { name, backend }: PlanExperiment): Generator<undefined, void> {
    const run = this.campaign.runs[index];
    this.change(index, {
      status: "waiting",
      run_id: `${this.kept.id}-${index}-${this.attempt(index)}`,
      error: null,
    });
    this.say({
      run_index: index,
      run_id: run?.run_id ?? null,
      experiment: name,
      backend,
      cycle: run?.cycle ?? 1,
      state: "preparing",
    });
    if (this.kept.plan.thermal.mode.value === "adaptive") yield* this.cool(index);
    else if (index !== this.todo.at(0)) yield* this.fixed(index, run?.gap_before_s ?? 0);
    yield* this.baseline(index);
  }

  private *fixed(index: number, seconds: number): Generator<undefined, void> {
    if (seconds === 0) return;
    const kind =
      this.kept.plan.runs[index]?.gap_kind === "between_cycles" ? "between_cycles" : "between_experiments";
    const source = this.campaign.gaps[kind].source_text;
    yield* this.pass(index, { purpose: "wait", seconds, source }, () => this.skip);
  }

  /** Until the machine is as cool as before the first run; before that one, until it is steady. */
  private *cool(index: number): Generator<undefined, void> {
    const { machine } = this.around;
    const { min_s, tolerance_c } = this.kept.plan.thermal;
    const from = machine.nowS;
    const least = this.reference === null ? STEADY_S : min_s.value;
    const limit = this.reference === null ? Infinity : this.reference + tolerance_c.value;
    const isCool = () => machine.nowS - from >= least && machine.hottest() <= limit;
    const { value: seconds, source_text: source } = this.campaign.gaps.between_experiments;
    const gap = { purpose: "cool", seconds, source, targets: this.targets(tolerance_c.value) } as const;
    yield* this.pass(index, gap, () => this.skip || isCool());
    this.reference ??= machine.hottest();
  }

  /** How cool each device is to be; the CPU has no thermometer. */
  private targets(toleranceC: number): GapNow["targets"] {
    if (this.reference === null) return [];
    return [{ reference_c: this.reference, cool_at_c: this.reference + toleranceC }, null];
  }

  private *baseline(index: number): Generator<undefined, void> {
    const { baseline } = this.kept.plan;
    if (baseline === null || this.campaign.now.stop_asked) return;
    if (this.baselineTaken && baseline.strategy !== "fresh") return;
    const seconds = baseline.duration_s;
    const gap = { purpose: "baseline", seconds, source: "measurement.baseline" } as const;
    yield* this.pass(index, gap, () => false);
    this.baselineTaken = true;
    const { nowS } = this.around.machine;
    const watts = this.around.machine.energy(nowS - seconds, nowS) / seconds;
    this.log("log", `bare baseline: ${watts.toFixed(1)} W${provenanceMark(PROVENANCE)}`, index);
  }

  /** Time goes by between two runs. */
  private *pass(
    index: number,
    of: { purpose: GapPurpose; seconds: number; source: string; targets?: GapNow["targets"] },
    over: () => boolean,
  ): Generator<undefined, void> {
    const { machine } = this.around;
    const gap = {
      started_s: machine.nowS,
      purpose: of.purpose,
      until_s: machine.nowS + of.seconds,
      planned_s: of.seconds,
      source_text: of.source,
      start_temperature_c: machine.hottest(),
      targets: of.targets ?? [],
    };
    this.skip = false;
    const close = this.span("gap", of.purpose === "baseline" ? "baseline" : "gap", index);
    this.say({ state: "gap", gap });
    yield* this.wait(of.seconds, over);
    close();
    this.say({ state: "preparing", gap: null });
  }

  private *work(index: number, experiment: PlanExperiment): Generator<undefined, void> {
    const begun = this.around.machine.nowS;
    const shape = windowOf(experiment);
    const close = this.span("run", experiment.name, index);
    this.change(index, { status: "running" });
    this.say({ state: "running" });
    this.log("log", `${experiment.backend}: reading ${experiment.model}`, index);
    for (const phase of ["load", "idle", "warmup"] as const) yield* this.phase(phase, LENGTH[phase], index);
    if (!shape.fits && !this.campaign.now.stop_asked) {
      close();
      return this.finish(index, "failed", "CUDA out of memory: tried to allocate 16.00 GiB");
    }
    const from = this.around.machine.nowS;
    yield* this.phase("measure", shape.seconds, index, shape);
    const to = this.around.machine.nowS;
    const complete = !this.campaign.now.stop_asked;
    yield* this.phase("unload", LENGTH.unload, index);
    close();
    if (!complete) return this.finish(index, "interrupted", null);
    this.durations.push(this.around.machine.nowS - begun);
    this.finish(index, "completed", null, { experiment, from, to });
  }

  private *phase(
    phase: Phase,
    seconds: number,
    index: number,
    shape?: { requests: number; tokens: number },
  ): Generator<undefined, void> {
    if (this.campaign.now.stop_asked && phase !== "unload") return;
    const { machine } = this.around;
    const from = machine.nowS;
    this.activity = phase;
    const close = this.span("phase", phase, index);
    this.say({ phase, requests_done: null, requests_total: shape?.requests ?? null });
    if (phase !== "idle" && phase !== "unload") this.log("log", `phase ${phase}`, index);
    yield* this.wait(seconds, () => {
      const share = Math.min(1, (machine.nowS - from) / seconds);
      if (shape) this.soFar(shape, share, machine.energy(from, machine.nowS));
      return phase !== "unload" && this.campaign.now.stop_asked;
    });
    close();
    this.activity = "none";
    this.say({ phase: null });
  }

  private soFar(shape: { requests: number; tokens: number }, share: number, joules: number): void {
    const tokens = Math.floor(shape.tokens * share);
    const { now } = this.campaign;
    now.requests_done = Math.floor(shape.requests * share);
    now.output_tokens = tokens;
    now.energy_so_far_j = joules;
    now.joules_per_token_so_far = tokens === 0 ? null : joules / tokens;
    if (Math.round(this.around.machine.nowS / STEP_S) % 3 === 0) this.say({});
  }

  private *wait(seconds: number, over: () => boolean): Generator<undefined, void> {
    const end = this.around.machine.nowS + seconds - STEP_S / 2;
    while (this.around.machine.nowS < end && !this.campaign.now.stop_asked && !over()) yield;
  }

  private finish(
    index: number,
    status: "completed" | "failed" | "interrupted",
    error: string | null,
    done?: { experiment: PlanExperiment; from: number; to: number },
  ): void {
    const { machine, epochMs } = this.around;
    const experiment = experimentOf(this.kept.plan, index);
    const run = this.campaign.runs[index];
    if (experiment === undefined || run === undefined) return;
    const place = {
      ...placeOf(this.kept.id, this.kept.name, index, run, epochMs() + machine.nowS * 1000),
      attempt: this.attempt(index),
    };
    const row = done
      ? completedRow(experiment, place, done.to - done.from, {
          gpu: machine.energy(done.from, done.to, 0),
          cpu: machine.energy(done.from, done.to, 1),
          provenance: PROVENANCE,
        })
      : emptyRow(experiment, place, status, error);
    this.around.keep(row);
    const { energy_j, energy_uncertainty_j, joules_per_output_token, provenance, grade } = row;
    const duration_s = this.durations.at(-1) ?? null;
    const results = { energy_j, energy_uncertainty_j, joules_per_output_token, provenance, grade };
    this.change(index, { status, error, ...results, duration_s: done ? duration_s : null });
    if (error !== null) this.log("error", error, index);
    const { now } = this.campaign;
    if (status !== "interrupted") now.remaining -= 1;
    if (status === "completed") now.completed += 1;
    if (status === "failed") now.failed += 1;
    if (status === "completed") this.spare(run.experiment, index);
    this.say({ ...IDLE_NOW, state: "preparing" });
    this.around.tell({ event: "results_changed" });
  }

  /** Later runs of an experiment that is known well enough by now are not needed. */
  private spare(experiment: string, index: number): void {
    const own = this.campaign.runs.filter((run) => run.experiment === experiment);
    const values = own.flatMap((run) =>
      run.status === "completed" ? (run.joules_per_output_token ?? []) : [],
    );
    const { stopping } = this.kept.plan;
    const percent = stopping === null ? null : enough(values, stopping);
    const later = own.filter((run) => run.status === "planned" && run.index > index);
    if (percent === null || later.length === 0) return;
    this.kept.notNeeded = [...this.kept.notNeeded, ...later.map((run) => run.index)];
    this.campaign.now.remaining -= later.length;
    const known = `after ${values.length} cycles the 95 % interval is ±${percent.toFixed(2)} % of the mean`;
    this.log("log", `${counted(later.length, "run")} not needed: ${known}`, index);
    for (const run of later) this.change(run.index, { status: "not_needed" });
  }

  private end(status: EndedStatus, message: string | null): void {
    this.kept.status = status;
    this.kept.message = message;
    this.kept.endedMs = this.around.epochMs() + this.around.machine.nowS * 1000;
    const hint = status === "interrupted" ? "resume it to do the rest" : null;
    const ended = { status, message, hint, at_s: this.around.machine.nowS };
    this.say({ ...IDLE_NOW, state: "ended", pause_asked: false, stop_asked: false, ended });
    this.around.tell({ event: "results_changed" });
  }

  private attempt(index: number): number {
    const before = this.campaign.runs[index]?.run_id;
    return before == null ? 1 : Number(before.split("-").at(-1));
  }

  private change(index: number, by: Partial<RunCell>): void {
    const run = this.campaign.runs[index];
    if (run === undefined) return;
    Object.assign(run, by);
    this.around.tell({ event: "run", run });
  }

  private say(by: Partial<Now>): void {
    const { now } = this.campaign;
    Object.assign(now, by);
    now.left_s = this.left();
    this.around.tell({ event: "now", now });
  }

  /** Gaps and the mean duration of the runs that are to come. */
  private left(): number | null {
    const mean = this.durations.reduce((a, b) => a + b, 0) / this.durations.length;
    if (this.durations.length === 0 || this.ended) return null;
    const open = this.campaign.runs.filter(({ status }) => status === "planned");
    return this.campaign.now.remaining * mean + open.reduce((sum, run) => sum + run.gap_before_s, 0);
  }

  private span(kind: SpanKind, label: string, run_index: number): () => void {
    const { machine, tell } = this.around;
    const id = this.campaign.spans.length;
    const span: LiveCampaign["spans"][number] = {
      id,
      kind,
      label,
      run_index,
      start_s: machine.nowS,
      end_s: null,
    };
    this.campaign.spans.push(span);
    tell({ event: "span", span });
    return () => {
      span.end_s = machine.nowS;
      tell({ event: "span", span });
    };
  }

  private log(kind: LogKind, text: string, run_index: number): void {
    const line = { t_s: this.around.machine.nowS, run_index, kind, text };
    this.campaign.log.push(line);
    this.around.tell({ event: "log", lines: [line] });
  }
}
