// What grades and verdicts mean, in the words of docs/quality.md, and the order in which they are read.
import type { QualityCheck, QualityGrade, QualityReport, QualityVerdict } from "../api/bindings";

export const GRADES: Record<QualityGrade, { letter: string; word: string; meaning: string }> = {
  a: { letter: "A", word: "passed", meaning: "every check that could be made passed" },
  b: { letter: "B", word: "warning", meaning: "the worst of its checks is a warning: usable" },
  c: { letter: "C", word: "poor", meaning: "a check is far short of what is recommended" },
  invalid: { letter: "✕", word: "invalid", meaning: "figures of the run do not mean what they say" },
};

export const VERDICTS: Record<QualityVerdict, string> = {
  pass: "nothing speaks against the run",
  warn: "short of what is recommended; usable",
  poor: "far short of what is recommended",
  invalid: "the figures do not mean what they say",
  unknown: "what the check needs is not known; it does not lower the grade",
};

/** As a person calls it: `grade B`, `invalid`. */
export function gradeName(grade: QualityGrade): string {
  return grade === "invalid" ? "invalid" : `grade ${GRADES[grade].letter}`;
}

const WORST_FIRST: readonly QualityVerdict[] = ["invalid", "poor", "warn", "unknown", "pass"];

function rank({ verdict }: QualityCheck): number {
  return WORST_FIRST.indexOf(verdict);
}

/** What did not pass, the worst first, and what did; each in the order of the report. */
export function sorted<C extends QualityCheck>(checks: readonly C[]): { open: C[]; passed: C[] } {
  return {
    open: checks.filter(({ verdict }) => verdict !== "pass").toSorted((a, b) => rank(a) - rank(b)),
    passed: checks.filter(({ verdict }) => verdict === "pass"),
  };
}

/** The sentences of the checks that make the grade what it is; of grade A there are none. */
export function reasons({ checks }: QualityReport): string[] {
  const { open } = sorted(checks);
  const worst = open[0]?.verdict;
  return worst === undefined || worst === "unknown"
    ? []
    : open.filter(({ verdict }) => verdict === worst).map(({ why }) => why);
}

const NAMES: Record<string, string> = {
  mig: "MIG",
  ecc: "Memory errors (ECC)",
  joules_per_token: "Joules per token",
  counter_vs_integral: "Counter against integral",
  warm_up: "Warm-up",
};

/** A check by its stable id, for a person. */
export function checkName(id: string): string {
  const words = id.replaceAll("_", " ");
  return NAMES[id] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
