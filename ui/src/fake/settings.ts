// The settings file of the fake project: what its text means, and how one value of it is changed.
import { LineCounter, parseDocument, type Document } from "yaml";

import type {
  Diagnostic,
  Position,
  ResolvedSeconds,
  SettingChange,
  SettingKind,
  SettingsDraft,
  SettingView,
} from "../api/bindings";
import { withValue } from "../forms/campaign/document";
import { meaning } from "../forms/campaign/words";
import { failure } from "./failure";

export const FILE = ".lem-config.yaml";

type Field = { path: string; summary: string; default: string; kind: SettingKind };

const SECONDS: SettingKind = { kind: "seconds" };
const FLAG: SettingKind = { kind: "flag" };
const AMOUNT: SettingKind = { kind: "amount" };
const choice = (...choices: string[]): SettingKind => ({ kind: "choice", choices });

const FIELDS: Field[] = [
  field("verbosity", "how much the command says", "normal", choice("quiet", "normal", "verbose")),
  field("thermal_gaps.between_experiments", "pause before each experiment within a cycle", "60", SECONDS),
  field("thermal_gaps.between_cycles", "pause before each cycle but the first", "300", SECONDS),
  field(
    "docker.strategy",
    "a fresh container for each run, or one for the whole campaign",
    "ephemeral",
    choice("ephemeral", "persistent"),
  ),
  field("docker.warmup_delay", "wait after a container started", "0", SECONDS),
  field("docker.auto_teardown", "take persistent containers down when the campaign ends", "true", FLAG),
  field("notifications.webhook_url", "URL that is called when a campaign ends", "null", { kind: "url" }),
  field("notifications.on_complete", "call the webhook when a campaign completes", "true", FLAG),
  field("notifications.on_failure", "call the webhook when a campaign fails", "true", FLAG),
  field("default_backend", "backend of an experiment that names none", "pytorch", { kind: "backend" }),
  field("python", "what runs workers in Python as processes", "python3", { kind: "program" }),
  field("results_dir", "folder of the database and of exports, relative to the project", "results", {
    kind: "folder",
  }),
  field(
    "footprint.carbon_intensity_gco2_kwh",
    "emissions of the electricity where runs happen, in gCO2e/kWh",
    "null",
    AMOUNT,
  ),
  field(
    "footprint.datacenter_pue",
    "power usage effectiveness of the site; without it, 1.0 is used and said",
    "null",
    { kind: "factor" },
  ),
  field("footprint.price_per_kwh", "price of a kilowatt hour, in a currency of yours", "null", AMOUNT),
  field(
    "footprint.device_price_per_hour",
    "price of one GPU for an hour, in the same currency",
    "null",
    AMOUNT,
  ),
];

function field(path: string, summary: string, fallback: string, kind: SettingKind): Field {
  return { path, summary, default: fallback, kind };
}

function rangeOf(kind: SettingKind): string {
  switch (kind.kind) {
    case "choice":
      return kind.choices.join(", ");
    case "seconds":
      return "0 or more seconds";
    case "flag":
      return "true or false";
    case "program":
      return "a program, or the folder of a virtual environment";
    case "backend":
      return "the name of a backend";
    case "folder":
      return "the path of a folder";
    case "url":
      return "an http or https URL, or null";
    case "amount":
      return "a finite number >= 0, or null";
    case "factor":
      return "a finite number >= 1, or null";
  }
}

/** A document of YAML, and where things are in it. */
export class Located {
  readonly document: Document.Parsed;
  private readonly lines = new LineCounter();

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false });
  }

  at(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line, column: col };
  }

  place(path: readonly string[]): Position | null {
    const node = this.document.getIn(path, true) as { range?: [number, number, number] } | undefined;
    return node?.range ? this.at(node.range[0]) : null;
  }

  /** What cannot be read at all. */
  unreadable(file: string): Diagnostic[] {
    return this.document.errors.slice(0, 1).map((error) => ({
      severity: "error",
      code: "yaml",
      message: `not valid YAML: ${error.message}`,
      hint: "close every bracket and quote on its line",
      file,
      at: this.at(error.pos[0]),
      field: null,
    }));
  }
}

function isAtLeast(least: number, value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= least;
}

function wrong(of: Field, value: unknown): boolean {
  switch (of.kind.kind) {
    case "choice":
      return !of.kind.choices.includes(String(value));
    case "seconds":
      return typeof value !== "number" || !(value >= 0);
    case "flag":
      return typeof value !== "boolean";
    case "amount":
      return value !== null && !isAtLeast(0, value);
    case "factor":
      return value !== null && !isAtLeast(1, value);
    default:
      return false;
  }
}

export function read(text: string): SettingsDraft {
  const located = new Located(text);
  const diagnostics = located.unreadable(FILE);
  const problems = diagnostics.length > 0 ? diagnostics : [...invalid(located), ...unknown(located)];
  const broken = problems.some(({ severity }) => severity === "error");
  const fields = FIELDS.map((of): SettingView => {
    const path = of.path.split(".");
    const written = broken ? undefined : located.document.getIn(path);
    const at = written === undefined ? null : located.place(path);
    return {
      path: of.path,
      summary: of.summary,
      default: of.default,
      kind: of.kind,
      range: rangeOf(of.kind),
      value: at === null ? of.default : String(written),
      source: at === null ? { kind: "built_in" } : { kind: "settings", line: at.line },
      source_text: at === null ? "built in" : `${FILE}, line ${at.line}`,
    };
  });
  return { text, fields, diagnostics: problems };
}

function invalid(located: Located): Diagnostic[] {
  return FIELDS.flatMap((of) => {
    const path = of.path.split(".");
    const value = located.document.getIn(path);
    if (value === undefined || !wrong(of, value)) return [];
    const message = `\`${of.path}\` is ${JSON.stringify(value)}, but must be ${rangeOf(of.kind)}`;
    return [
      {
        severity: "error",
        code: "invalid_value",
        message,
        hint: null,
        file: FILE,
        at: located.place(path),
        field: of.path,
      } as const,
    ];
  });
}

function unknown(located: Located): Diagnostic[] {
  const known = new Set(FIELDS.map((of) => of.path.split(".")[0]));
  const root = located.document.toJS() as Record<string, unknown> | null;
  return Object.keys(root ?? {})
    .filter((key) => !known.has(key))
    .map((key) => ({
      severity: "warning",
      code: "unknown_key",
      message: `\`${key}\` is not a known key: it has no effect`,
      hint: null,
      file: FILE,
      at: located.place([key]),
      field: key,
    }));
}

export function edit(text: string, changes: SettingChange[]): SettingsDraft {
  const next = changes.reduce((before, change) => {
    const of = FIELDS.find(({ path }) => path === change.field);
    if (of === undefined) throw failure("bad_input", `${FILE}: there is no setting \`${change.field}\``);
    const value = change.value === null ? undefined : change.value === "null" ? null : meaning(change.value);
    if (value !== undefined && wrong(of, value)) {
      throw failure("bad_input", `${FILE}: \`${of.path}\` must be ${rangeOf(of.kind)}, not ${change.value}`);
    }
    return withValue(before, of.path.split("."), value);
  }, text);
  return read(next);
}

/** A gap in force where no campaign sets it. */
export function gap(text: string, name: "between_experiments" | "between_cycles"): ResolvedSeconds {
  const of = read(text).fields.find(({ path }) => path === `thermal_gaps.${name}`);
  return {
    value: Number(of?.value ?? 60),
    source: of?.source ?? { kind: "built_in" },
    source_text: of?.source_text ?? "built in",
  };
}
