// What a campaign of the fake does about its thermal gaps, its baseline, and when it has cycles enough: from the values in
// force.
import type { Baseline, Stopping, Thermal } from "../api/bindings";
import { describe } from "./describe";
import type { InForce } from "./in-force";

export type Rest = { thermal: Thermal; baseline: Baseline | null; stopping: Stopping | null };

export function restOf(told: InForce, targetPercent: number | null): Rest {
  const value = (path: string) => told[path]?.value;
  const number = (path: string) => ({
    value: Number(value(path)),
    source: told[path]?.source ?? ({ kind: "built_in" } as const),
  });
  const mode = value("thermal.mode");
  const baseline = value("measurement.baseline");
  const own = (key: string) => value(`measurement.baseline.${key}`);
  return {
    thermal: {
      mode: {
        value: mode === "adaptive" || mode === "hot" ? mode : "fixed",
        source: number("thermal.mode").source,
      },
      min_s: number("thermal.min_seconds"),
      max_s: number("thermal.max_seconds"),
      tolerance_c: number("thermal.tolerance_c"),
    },
    baseline:
      baseline === undefined || baseline === "off"
        ? null
        : {
            kind: baseline as Baseline["kind"],
            duration_s: Number(own("duration_seconds")),
            strategy: own("strategy") as Baseline["strategy"],
            ttl_s: Number(own("cache_ttl_seconds")),
            validation_interval: Number(own("validation_interval")),
            drift_threshold: Number(own("drift_threshold")),
          },
    stopping:
      targetPercent === null
        ? null
        : { min_cycles: Number(value("execution.cycles.min")), target: targetPercent / 100 },
  };
}

/** Half of the 95 % interval in percent of the mean, where that is enough. */
export function enough(values: number[], { min_cycles, target }: Stopping): number | null {
  const known = describe(values);
  if (values.length < min_cycles || known?.ci_high == null) return null;
  const percent = (100 * (known.ci_high - known.mean)) / known.mean;
  return percent <= 100 * target ? percent : null;
}
