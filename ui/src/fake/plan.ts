// From the text of a campaign to its plan: experiments, order of runs, gaps with their sources, and problems.
import type {
  Diagnostic,
  LiveGaps,
  PlanExperiment,
  PlanPreview,
  PlanRun,
  ResolvedSeconds,
  Structure,
  Thermal,
  Value,
} from "../api/bindings";
import { inForceOf, secondsIn, type InForce } from "./in-force";
import { restOf } from "./rest";
import { servicesView } from "./services";
import { Located } from "./settings";

type Map_ = { [key in string]: Value };
type Context = { settings: string; file: string };

const KNOWN = [
  "campaign_name",
  "runner",
  "grid",
  "execution",
  "measurement",
  "thermal",
  "dataset",
  "num_samples",
  "configs",
  "experiments",
];
const TOLD_RUNS = 5000;

/** Everything of a preview but what history knows, and the gaps. */
export type Plan = Omit<PlanPreview, "estimate"> & { gaps: LiveGaps };

function mapping(value: Value | undefined): Map_ {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

function list(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

export function planOf(text: string, context: Context): Plan {
  const located = new Located(text);
  const unreadable = located.unreadable(context.file);
  const root = unreadable.length > 0 ? {} : mapping(located.document.toJS() as Value);
  const execution = mapping(root.execution);
  const experiments = experimentsOf(root);
  const problems = unreadable.length > 0 ? unreadable : problemsOf(root, experiments, located, context.file);
  const broken = problems.some(({ severity }) => severity === "error");
  const in_force = inForceOf(text, context.settings);
  const target = mapping(execution.cycles).target_ci_percent;
  const rest = restOf(in_force, typeof target === "number" ? target : null);
  const cycles = Number(in_force["execution.cycles.max"]?.value ?? in_force["execution.cycles"]?.value);
  const structure =
    typeof execution.structure === "string" ? (execution.structure as Structure) : "interleaved";
  const gaps = gapsOf(rest.thermal, in_force);
  const runs = broken ? [] : runsOf(experiments.length, cycles, structure, gaps);
  return {
    name: typeof root.campaign_name === "string" ? root.campaign_name : "",
    seed: typeof execution.seed === "number" ? String(execution.seed) : null,
    structure,
    cycles,
    ...rest,
    experiments,
    runs: runs.slice(0, TOLD_RUNS),
    runs_total: runs.length,
    gaps,
    total_gap_s: runs.reduce((sum, run) => sum + run.gap_before_s, 0),
    problems,
    can_run: runs.length > 0,
    in_force,
  };
}

function both(gap: ResolvedSeconds): LiveGaps {
  return { between_experiments: gap, between_cycles: gap };
}

/** As configured, the longest that cooling may take, or none where devices are to stay hot. */
function gapsOf({ mode }: Thermal, told: InForce): LiveGaps {
  switch (mode.value) {
    case "fixed":
      return {
        between_experiments: secondsIn(told, "execution.config_gap_seconds"),
        between_cycles: secondsIn(told, "execution.cycle_gap_seconds"),
      };
    case "adaptive":
      return both(secondsIn(told, "thermal.max_seconds"));
    case "hot":
      return both({ ...secondsIn(told, "thermal.mode"), value: 0 });
  }
}

/** Every combination of backends, models and swept values; the last key varies fastest. */
function experimentsOf(root: Map_): PlanExperiment[] {
  const grid = mapping(root.grid);
  const runner = root.runner === "process" ? "process" : "docker";
  return list(grid.backends).flatMap((backend) =>
    list(grid.models).flatMap((model) => {
      const axes = { ...mapping(grid.shared), ...mapping(mapping(grid.backend_overrides)[String(backend)]) };
      return combinations(Object.entries(axes)).map((parameters) => {
        const varied = Object.keys(axes).filter((key) => list(axes[key]).length > 1);
        const short = String(model).split("/").at(-1);
        const name = [backend, short, ...varied.map((key) => `${key}-${String(parameters[key])}`)].join("_");
        return {
          name,
          backend: String(backend),
          service: runner === "docker" ? String(backend) : null,
          runner,
          model: String(model),
          parameters,
        } as const;
      });
    }),
  );
}

function combinations(axes: [string, Value][]): Map_[] {
  const [first, ...rest] = axes;
  if (first === undefined) return [{}];
  const [key, values] = first;
  return list(values).flatMap((value) => combinations(rest).map((others) => ({ [key]: value, ...others })));
}

function runsOf(experiments: number, cycles: number, structure: Structure, gaps: LiveGaps): PlanRun[] {
  const order = Array.from({ length: cycles }, (_, cycle) =>
    orderOf(experiments, cycle, structure).map((experiment) => ({ experiment, cycle: cycle + 1 })),
  ).flat();
  if (structure === "grouped") order.sort((a, b) => a.experiment - b.experiment || a.cycle - b.cycle);
  return order.map((run, index) => {
    const before = order[index - 1];
    if (before === undefined) return { ...run, gap_before_s: 0, gap_kind: "first", estimated_s: null };
    const same = before.cycle === run.cycle;
    return {
      ...run,
      gap_before_s: same ? gaps.between_experiments.value : gaps.between_cycles.value,
      gap_kind: same ? "between_experiments" : "between_cycles",
      estimated_s: null,
    };
  });
}

function orderOf(experiments: number, cycle: number, structure: Structure): number[] {
  const all = Array.from({ length: experiments }, (_, index) => index);
  if (structure === "reverse" && cycle % 2 === 1) return all.toReversed();
  const turn = structure === "shuffled" ? cycle * 2 : structure === "latin_square" ? cycle : 0;
  return all.map((index) => (index + turn) % experiments);
}

function problemsOf(root: Map_, experiments: PlanExperiment[], located: Located, file: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  const say = (
    severity: Diagnostic["severity"],
    code: string,
    message: string,
    rest: { hint?: string; field: string; at?: Diagnostic["at"] },
  ) =>
    found.push({
      severity,
      code,
      message,
      hint: null,
      file,
      at: located.place(rest.field.split(".")),
      ...rest,
    });
  if (typeof root.campaign_name !== "string" || root.campaign_name === "") {
    const hint = "add `campaign_name: some-name`";
    say("error", "missing_key", "`campaign_name` is missing", { hint, field: "campaign_name" });
  }
  for (const key of Object.keys(root).filter((other) => !KNOWN.includes(other))) {
    say("warning", "unknown_key", `\`${key}\` is not a known key: it has no effect`, { field: key });
  }
  if (experiments.length === 0) {
    const hint = "give at least one of `grid`, `configs` and `experiments`";
    say("error", "no_experiments", "the campaign has no experiments", { hint, field: "grid.backends" });
  }
  for (const { message, field } of numbersOf(root)) say("error", "invalid_value", message, { field });
  const missing = servicesView("", true).services.filter(({ present }) => !present);
  for (const backend of new Set(experiments.map((experiment) => experiment.service))) {
    if (backend !== null && missing.some(({ name }) => name === backend)) {
      const why = `the compose file has no service \`${backend}\``;
      const message = `backend \`${backend}\` has no service to run in: ${why}`;
      say("error", "no_service", message, { field: `runner.${backend}`, at: null });
    }
  }
  return found;
}

/** What is wrong with the numbers of a campaign. */
function numbersOf(root: Map_): { field: string; message: string }[] {
  const written = mapping(root.execution).cycles ?? 3;
  const cycles = mapping(written);
  const thermal = mapping(root.thermal);
  const isSection = typeof written === "object" && !Array.isArray(written);
  const problems: { field: string; message: string }[] = [];
  const wrong = (field: string, value: Value | undefined, range: string) =>
    problems.push({ field, message: `\`${field}\` is ${JSON.stringify(value)}, but must be ${range}` });
  if (!isSection && (typeof written !== "number" || !Number.isInteger(written) || written < 1)) {
    wrong("execution.cycles", written, "a whole number from 1");
  }
  for (const key of ["min", "max"]) {
    const value = cycles[key];
    const field = `execution.cycles.${key}`;
    if (typeof value === "number" && value < 3) wrong(field, value, "a whole number from 3 to 1000");
    if (value !== undefined && cycles.target_ci_percent === undefined) {
      problems.push({ field, message: `\`${field}\` has no meaning without a target` });
    }
  }
  const tolerance = thermal.tolerance_c;
  if (typeof tolerance === "number" && (tolerance < 0.5 || tolerance > 20)) {
    wrong("thermal.tolerance_c", tolerance, "a number from 0.5 to 20");
  }
  if (Number(thermal.min_seconds ?? 10) > Number(thermal.max_seconds ?? 300)) {
    const message = `\`thermal.min_seconds\` is more than \`thermal.max_seconds\``;
    problems.push({ field: "thermal.min_seconds", message });
  }
  return problems;
}
