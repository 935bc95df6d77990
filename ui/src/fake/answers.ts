// What the fake answers to each command, grouped as the commands of the shell are.
import type {
  CampaignDetail,
  Compared,
  PlanEstimate,
  PlanExperiment,
  ResultRow,
  Value,
} from "../api/bindings";
import type { Host } from "../api/host";
import { weakest } from "../lib/provenance";
import { detail, traceOf } from "./detail";
import { failure } from "./failure";
import type { Kept } from "./history";
import { importMeter, removeMeter } from "./meter";
import { metricsOf } from "./metrics";
import type { Plan } from "./plan";
import { facets, found } from "./query";
import { RANGES } from "./ranges";
import { campaignReport } from "./report";
import { doctorOf, servicesView } from "./services";
import { edit, FILE, read } from "./settings";
import { comparison, groupOf, groups } from "./statistics";
import { FOREIGN, QUICKSTART_PATH, STARTER } from "./texts";
import type { World } from "./world";

/** The commands without their waiting. */
export type Answers = {
  [K in keyof Host]: (...args: Parameters<Host[K]>) => Awaited<ReturnType<Host[K]>>;
};

export function answers(world: World): Answers {
  return { ...project(world), ...settings(world), ...files(world), ...campaigns(world), ...results(world) };
}

function project(world: World) {
  const folder = () => world.project ?? "";
  return {
    appInfo: () => ({
      version: "0.1.0",
      project: world.project === null ? null : world.projectView(),
      recent: world.recent,
      start_error: null,
    }),
    chooseProject: () => world.open("/home/ada/energy/llama"),
    createProject: () => world.open("/home/ada/energy/new-project"),
    openRecent: (path) => world.open(path),
    forgetRecent: (path) => {
      world.recent = world.recent.filter((recent) => recent.path !== path);
      return world.recent;
    },
    fillProject: () => world.projectView(),
    answerClose: (answer) => {
      if (answer === "stop_and_quit") world.session?.steer("stop");
      return null;
    },
    reportShown: () => null,
    reportPageError: () => null,
    doctor: () => {
      const problem = read(world.settings).diagnostics.find(({ severity }) => severity === "error");
      const at = problem?.at ? `${FILE}:${problem.at.line}:${problem.at.column}: ` : "";
      return doctorOf(folder(), problem === undefined ? null : `${at}${problem.message}`);
    },
    services: () => servicesView(folder(), world.scenario !== "no-docker"),
  } satisfies Partial<Answers>;
}

function settings(world: World) {
  const page = () => ({ path: `${world.project}/${FILE}`, exists: true, ...read(world.settings) });
  return {
    settings: page,
    editSettings: edit,
    checkSettings: read,
    saveSettings: (before, text) => {
      const problem = read(text).diagnostics.find(({ severity }) => severity === "error");
      if (problem) throw failure("bad_input", problem.message, "correct it; the file was not changed");
      if (world.settings !== before) {
        const message = `${page().path}: the file was changed by someone else since it was read; nothing was written`;
        throw failure("conflict", message, "read it again and repeat the change");
      }
      world.settings = text;
      return page();
    },
  } satisfies Partial<Answers>;
}

function files(world: World) {
  const write = (path: string, text: string) => {
    world.files.set(path, { text, modifiedMs: Date.now() });
    return { path, text };
  };
  const free = (text: string) => {
    const name = world
      .plan("new campaign", text)
      .name.toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-");
    return `campaigns/${name || "campaign"}.yaml`;
  };
  return {
    campaignFiles: () =>
      [...world.files].toSorted().map(([path, { text, modifiedMs }]) => {
        const plan = world.plan(path, text);
        return {
          path,
          name: plan.name,
          modified_unix_ms: modifiedMs,
          experiments: plan.experiments.length,
          problems: plan.problems.filter(({ severity }) => severity === "error").length,
        };
      }),
    openCampaign: (path) => {
      const file = world.files.get(path);
      if (file === undefined) throw failure("not_found", `${path}: no such file`, "open another one");
      return { path, text: file.text };
    },
    importCampaign: () => ({ path: null, text: FOREIGN }),
    newCampaign: () => ({ path: null, text: STARTER }),
    saveCampaign: (path, before, text) => {
      const target = path ?? free(text);
      const there = world.files.get(target)?.text;
      if (there !== undefined && there !== before && there !== text) {
        const message = `${target}: the file was changed by someone else since it was read; nothing was written`;
        throw failure("conflict", message, "open it again, or save under another name");
      }
      return write(target, text);
    },
    saveCampaignAs: (text) => write("campaigns/copy.yaml", text),
    plan: (path, text) => {
      const plan = world.plan(path ?? "new campaign", text);
      return preview(world, plan);
    },
    campaignKeys: () => ({
      structures: ["interleaved", "shuffled", "grouped", "reverse", "latin_square"],
      backends: [
        { name: "pytorch", options: ["pytorch.batch_size", "pytorch.compile"] },
        { name: "candle", options: ["candle.threads"] },
      ],
      shared: [
        "max_input_tokens",
        "max_output_tokens",
        "num_input_prompts",
        "batch_size",
        "fp_precision",
        "streaming",
      ],
      models: [...new Set(["synthetic/llama-15m", "synthetic/llama-110m", ...facets(world.rows).models])],
      precisions: ["float32", "float16", "bfloat16"],
      decoder_presets: ["deterministic", "standard", "creative", "factual"],
      datasets: ["ai-energy-score", "alpaca", "sharegpt", "gsm8k", "mmlu"],
      ranges: RANGES,
    }),
  } satisfies Partial<Answers>;
}

function keyOf(parameters: object): string {
  return JSON.stringify(Object.entries(parameters).toSorted());
}

/** The sum of all; null unless every one is known. */
function sum(values: (number | null)[]): number | null {
  if (values.includes(null) || values.length === 0) return null;
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** The past runs with the configuration of an experiment. */
function past(world: World, { backend, model, parameters }: PlanExperiment): ResultRow[] {
  return world.rows.filter((row) => {
    if (row.status !== "completed" || row.backend !== backend || row.model !== model) return false;
    const kept = world.campaigns.find(({ id }) => id === row.campaign_id);
    const own = kept?.plan.experiments.find(({ name }) => name === row.experiment);
    return own !== undefined && keyOf(own.parameters) === keyOf(parameters);
  });
}

function preview(world: World, plan: Plan) {
  const known =
    world.scenario === "many" ? [] : plan.experiments.map((experiment) => past(world, experiment));
  const mean = (experiment: number, of: (row: ResultRow) => number | null) => {
    const values = (known[experiment] ?? []).flatMap((row) => of(row) ?? []);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
  };
  const seconds = plan.runs.map((run) => mean(run.experiment, (row) => row.window_s && row.window_s + 9));
  const joules = plan.runs.map((run) => mean(run.experiment, (row) => row.energy_j));
  const estimate: PlanEstimate = {
    known_runs: seconds.filter((value) => value !== null).length,
    running_s: sum(seconds),
    energy_j: sum(joules),
    provenance: weakest(known.flat().flatMap((row) => row.provenance ?? [])),
  };
  const runs = plan.runs.map((run, index) => ({ ...run, estimated_s: seconds[index] ?? null }));
  return { ...plan, runs, estimate };
}

function campaigns(world: World) {
  return {
    watch: (listener) => world.watch(listener),
    startCampaign: (path) => world.start(path),
    quickStart: () => world.start(QUICKSTART_PATH),
    resumeCampaign: (id) => world.run(keptOf(world, id)),
    steer: (action) => {
      if (world.session === null || world.session.ended) throw failure("conflict", "no campaign is running");
      world.session.steer(action);
      return null;
    },
    campaigns: () => world.campaigns.map((kept) => world.summary(kept)).toReversed(),
    campaign: (id) => campaignDetail(world, keptOf(world, id)),
    liveWindow: (fromS, toS, buckets, channel) => world.machine.window(fromS, toS, buckets, channel),
  } satisfies Partial<Answers>;
}

function results(world: World) {
  const row = (run: string) => {
    const of = world.rows.find(({ run_id }) => run_id === run);
    if (of === undefined) throw failure("not_found", `there is no run ${run}`, "it may have been deleted");
    return of;
  };
  return {
    results: (query) => {
      const all = found(world.rows, query);
      return { total: all.length, rows: all.slice(query.offset, query.offset + query.limit) };
    },
    facets: () => facets(world.rows),
    statistics: (query, by) => groups(found(world.rows, { ...query, sort: "campaign_name" }), by),
    compare: (experiments) =>
      comparison(experiments.map((one) => compared(world, one.campaign_id, one.experiment))),
    campaignReport: (id) => campaignReport(keptOf(world, id), world.rows),
    runMetrics: (run) => {
      const of = row(run);
      const { parameters } = experimentIn(keptOf(world, of.campaign_id), of.experiment);
      return metricsOf(of, parameters, world.settings);
    },
    result: (run) => {
      const of = row(run);
      const { parameters } = experimentIn(keptOf(world, of.campaign_id), of.experiment);
      return detail(of, parameters, world.meters.get(run) ?? null);
    },
    importMeter: (target, options) => importMeter(world, target, options),
    removeMeter: (target) => removeMeter(world, target),
    deleteRuns: (runs) => {
      const before = world.rows.length;
      world.rows = world.rows.filter(({ run_id }) => !runs.includes(run_id));
      world.emit({ event: "results_changed" });
      return before - world.rows.length;
    },
    deleteCampaign: (id) => {
      world.campaigns = world.campaigns.filter((kept) => kept.id !== id);
      world.rows = world.rows.filter(({ campaign_id }) => campaign_id !== id);
      world.emit({ event: "results_changed" });
      return null;
    },
    exportResults: (_, format) => `${world.project}/results/export.${format}`,
    saveFigure: (name, kind) => `${world.project}/results/${name}.${kind}`,
    runWindow: (run, fromS, toS, buckets, channel) =>
      traceOf(row(run), fromS, toS, buckets, channel, world.meters.has(run)),
  } satisfies Partial<Answers>;
}

function keptOf(world: World, id: string): Kept {
  const kept = world.campaigns.find((campaign) => campaign.id === id);
  if (kept === undefined)
    throw failure("not_found", `there is no campaign ${id}`, "it may have been deleted");
  return kept;
}

function experimentIn(kept: Kept, name: string): PlanExperiment {
  const experiment = kept.plan.experiments.find((one) => one.name === name);
  if (experiment === undefined) throw failure("not_found", `campaign ${kept.id} has no experiment ${name}`);
  return experiment;
}

function compared(world: World, campaign_id: string, name: string): { one: Compared; rows: ResultRow[] } {
  const kept = keptOf(world, campaign_id);
  const { backend, model, parameters } = experimentIn(kept, name);
  const rows = world.rows.filter(
    (row) => row.campaign_id === campaign_id && row.experiment === name && row.status === "completed",
  );
  const group = groupOf(rows, ["campaign", "experiment", "backend", "model"]);
  const one = { campaign_id, campaign_name: kept.name, experiment: name, backend, model, parameters, group };
  return { one, rows };
}

function campaignDetail(world: World, kept: Kept): CampaignDetail {
  const { id, name, text, plan, status, createdMs, endedMs, message } = kept;
  return {
    summary: world.summary(kept),
    campaign: {
      id,
      name,
      source_file: null,
      source_text: text,
      settings_text: world.settings,
      plan: {},
      overrides: {},
      seed: plan.seed ?? "1",
      status,
      created_unix_ns: createdMs * 1e6,
      finished_unix_ns: endedMs === null ? null : endedMs * 1e6,
      environment_hash: "5f1c",
      app_version: "0.1.0",
      holder_pid: null,
      message,
    },
    environment: { host: "bench-1", driver: "580.95.05" },
    experiments: plan.experiments.map((experiment, position): CampaignDetail["experiments"][number] => ({
      position,
      name: experiment.name,
      backend: experiment.backend,
      service: experiment.service,
      runner: experiment.runner,
      model: experiment.model,
      parameters: experiment.parameters as Value,
    })),
    diagnostics: [],
  };
}
