// The state of the fake: one project folder with its files and results, one machine, at most one campaign under way.
import type {
  CampaignSummary,
  HostEvent,
  LiveEvent,
  Now,
  ProjectView,
  RecentProject,
  ResultRow,
  RunMeter,
  Snapshot,
} from "../api/bindings";
import { failure } from "./failure";
import { history, type Kept } from "./history";
import { DEVICES, Machine } from "./machine";
import { planOf, type Plan } from "./plan";
import type { Scenario } from "./scenario";
import { Session } from "./session";
import { campaignFiles, INVALID_SETTINGS, KNOWN_PATH, SETTINGS } from "./texts";

const TICK_MS = 100;
/** What the clock shows when the page opens: there is a little history to draw. */
const BEGIN_S = 90;

type Middle = { campaign: string; run: number; there: (now: Now) => boolean; afterS: number };

const BATCHES = "campaigns/batch-sweep.yaml";
const MIDDLES: Partial<Record<Scenario, Middle>> = {
  running: { campaign: BATCHES, run: 3, there: (now) => now.phase === "measure", afterS: 12 },
  "in-gap": { campaign: BATCHES, run: 3, there: (now) => now.gap !== null, afterS: 12 },
  cooling: { campaign: KNOWN_PATH, run: 3, there: (now) => now.gap?.purpose === "cool", afterS: 20 },
  "at-rest": { campaign: KNOWN_PATH, run: 2, there: (now) => now.gap?.purpose === "baseline", afterS: 6 },
  // The first experiment is known after three cycles; the second is in its third.
  known: { campaign: KNOWN_PATH, run: 5, there: (now) => now.phase === "measure", afterS: 12 },
};

export class World {
  readonly machine = new Machine();
  /** Wall time of second 0 of the clock; a guess until the past is told. */
  epochMs = Date.now() - 600_000;
  project: string | null;
  recent: RecentProject[] = [
    { path: "/home/ada/energy/llama", name: "llama", exists: true },
    { path: "/home/ada/energy/first-look", name: "first-look", exists: true },
    { path: "/mnt/gone/old", name: "old", exists: false },
  ];
  settings: string;
  files = campaignFiles();
  campaigns: Kept[] = [];
  rows: ResultRow[] = [];
  /** The external power meter of each run that has one. */
  readonly meters = new Map<string, RunMeter>();
  session: Session | null = null;
  private listener: ((event: HostEvent) => void) | null = null;

  constructor(
    readonly scenario: Scenario,
    speed: number,
  ) {
    this.project = scenario === "first-start" ? null : "/home/ada/energy/llama";
    this.settings = scenario === "invalid-settings" ? INVALID_SETTINGS : SETTINGS;
    if (scenario !== "first-start") this.fill();
    this.passUntil(() => this.machine.nowS >= BEGIN_S);
    this.beginInTheMiddle();
    this.epochMs = Date.now() - this.machine.nowS * 1000;
    const [beganMs, beganS] = [performance.now(), this.machine.nowS];
    setInterval(() => {
      const dueS = beganS + ((performance.now() - beganMs) / 1000) * speed;
      this.passUntil(() => this.machine.nowS >= dueS);
      this.emit({ event: "samples", now_s: this.machine.nowS, readings: this.machine.readings() });
    }, TICK_MS);
  }

  /** Events from now on; the first is a snapshot. */
  watch(listener: (event: HostEvent) => void): void {
    this.listener = listener;
    this.emit({ event: "snapshot", snapshot: this.snapshot() });
  }

  /** Events leave as copies: what is changed here later is not changed there. */
  emit(event: HostEvent): void {
    this.listener?.(structuredClone(event));
  }

  fill(): void {
    const { campaigns, rows } = history(this.settings, this.scenario === "many");
    this.campaigns = campaigns;
    this.rows = rows;
  }

  projectView(): ProjectView {
    const path = this.project ?? "";
    return {
      path,
      name: path.split("/").at(-1) ?? "",
      has_settings: true,
      compose_file: `${path}/docker-compose.yml`,
      campaign_files: this.files.size,
      has_results: this.rows.length > 0,
    };
  }

  open(path: string): ProjectView {
    if (this.project !== null && this.session !== null && !this.session.ended) {
      throw failure("conflict", "a campaign is running in the open project", "wait for it, or stop it");
    }
    this.project = path;
    const name = path.split("/").at(-1) ?? path;
    this.recent = [{ path, name, exists: true }, ...this.recent.filter((recent) => recent.path !== path)];
    this.session = null;
    this.emit({ event: "project_changed" });
    this.emit({ event: "snapshot", snapshot: this.snapshot() });
    return this.projectView();
  }

  plan(file: string, text: string): Plan {
    return planOf(text, { settings: this.settings, file });
  }

  start(path: string): string {
    const file = this.files.get(path);
    if (file === undefined) throw failure("not_found", `${path}: no such file`);
    const plan = this.plan(path, file.text);
    if (plan.name === "fail-start") {
      throw failure(
        "machine",
        "the worker of candle ended before it said ready",
        "see the log of the worker",
      );
    }
    const problem = plan.problems.find(({ severity }) => severity === "error");
    if (problem) throw failure("bad_input", `${path}: ${problem.message}`, problem.hint);
    const id = `c-${String(1000 + this.campaigns.length)}`;
    const createdMs = Date.now();
    const kept: Kept = {
      id,
      name: plan.name,
      text: file.text,
      plan,
      createdMs,
      endedMs: null,
      status: "running",
      message: null,
      notNeeded: [],
    };
    this.campaigns = [...this.campaigns, kept];
    return this.run(kept);
  }

  run(kept: Kept): string {
    if (this.session !== null && !this.session.ended) {
      throw failure(
        "conflict",
        `the campaign ${this.session.campaign.name} is running`,
        "wait for its end, or stop it",
      );
    }
    kept.status = "running";
    this.session = new Session(kept, this.rows, {
      machine: this.machine,
      epochMs: () => this.epochMs,
      tell: (event: LiveEvent) => this.emit(event),
      keep: (row) => {
        this.rows = [...this.rows, row];
      },
    });
    this.emit({ event: "snapshot", snapshot: this.snapshot() });
    this.emit({ event: "results_changed" });
    return kept.id;
  }

  summary(kept: Kept): CampaignSummary {
    const own = this.rows.filter((row) => row.campaign_id === kept.id);
    const count = (status: ResultRow["status"]) =>
      new Set(own.filter((row) => row.status === status).map(({ index }) => index)).size;
    const [completed, failed, planned] = [count("completed"), count("failed"), kept.plan.runs_total];
    const not_needed = kept.notNeeded.length;
    const remaining = planned - completed - failed - not_needed;
    return {
      id: kept.id,
      name: kept.name,
      status: kept.status,
      created_unix_ns: kept.createdMs * 1e6,
      finished_unix_ns: kept.endedMs === null ? null : kept.endedMs * 1e6,
      last_ended_unix_ns: null,
      holder_pid: kept.status === "running" ? 4242 : null,
      app_version: "0.1.0",
      message: kept.message,
      planned,
      completed,
      failed,
      not_needed,
      remaining,
      resumable: remaining > 0 && kept.status !== "running",
    };
  }

  private snapshot(): Snapshot {
    return {
      epoch_unix_ms: this.epochMs,
      now_s: this.machine.nowS,
      devices: this.project === null ? [] : DEVICES,
      readings: this.project === null ? [] : this.machine.readings(),
      interval_ms: 100,
      monitor_error: null,
      campaign: this.session?.campaign ?? null,
    };
  }

  private passUntil(over: () => boolean): void {
    while (!over()) {
      const session = this.session?.ended === false ? this.session : null;
      session?.step();
      this.machine.step(session?.activity ?? "none", session?.onGpu ?? false);
    }
  }

  /** A campaign is found in the middle of what the scenario is about. */
  private beginInTheMiddle(): void {
    const middle = MIDDLES[this.scenario];
    if (middle === undefined) return;
    this.start(middle.campaign);
    const there = () => {
      const now = this.session?.campaign.now;
      return now?.run_index === middle.run && middle.there(now);
    };
    this.passUntil(there);
    const from = this.machine.nowS;
    this.passUntil(() => this.machine.nowS >= from + middle.afterS);
  }
}
