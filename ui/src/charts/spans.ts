// Stretches of time behind a trace: the phases of a run, and the gaps between runs.
import type { Span } from "../api/bindings";

export type Shade = { label: string; kind: "gap" | "phase"; fromS: number; toS: number };

/** Shades of the live spans; one that lasts reaches to the present. */
export function shades(spans: Span[], nowS: number): Shade[] {
  return spans
    .filter((span) => span.kind !== "run")
    .map((span) => ({
      label: span.label,
      kind: span.kind === "gap" ? "gap" : "phase",
      fromS: span.start_s,
      toS: span.end_s ?? nowS,
    }));
}

/** The colour of a shade: the measured window stands out, everything else stays in the back. */
export function shadeColor(shade: Shade, dark: boolean): string {
  if (shade.label === "baseline") return dark ? "rgba(204,121,167,0.20)" : "rgba(204,121,167,0.18)";
  if (shade.kind === "gap") return dark ? "rgba(86,180,233,0.10)" : "rgba(0,114,178,0.07)";
  switch (shade.label) {
    case "measure":
      return dark ? "rgba(48,196,175,0.22)" : "rgba(11,125,111,0.16)";
    case "warmup":
      return dark ? "rgba(230,159,0,0.14)" : "rgba(230,159,0,0.14)";
    default:
      return dark ? "rgba(255,255,255,0.05)" : "rgba(0,0,0,0.045)";
  }
}

/** What the legend calls the shades that are there. */
export const SHADE_NAMES: Record<string, string> = {
  context: "device opened",
  load: "load",
  idle: "idle",
  warmup: "warm-up",
  measure: "measured window",
  unload: "unload",
  gap: "thermal gap",
  baseline: "baseline",
};

/** Shades that most campaigns do not have. */
const RARE = new Set(["context", "baseline"]);

/** The shades that a legend explains: the usual ones, and the others where they are drawn. */
export function legend(drawn: readonly { label: string }[]): string[] {
  return Object.keys(SHADE_NAMES).filter(
    (label) => !RARE.has(label) || drawn.some((shade) => shade.label === label),
  );
}
