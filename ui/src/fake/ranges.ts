// The numbers of a campaign file, as the engine tells them (`crates/lem-spec/src/campaign/known.rs`).
import type { NumberRange } from "../api/bindings";

const whole = (least: number, most: number): NumberRange => ({ least, above: false, most, whole: true });
const from = (least: number, most: number): NumberRange => ({ least, above: false, most, whole: false });
const above0 = (most: number): NumberRange => ({ least: 0, above: true, most, whole: false });

const MANY = 1e9;

export const RANGES: { [path in string]: NumberRange } = {
  num_samples: whole(1, MANY),
  "execution.cycles": whole(1, 1000),
  "execution.cycles.min": whole(3, 1000),
  "execution.cycles.max": whole(3, 1000),
  "execution.cycles.target_ci_percent": above0(100),
  "execution.seed": whole(0, Number.MAX_SAFE_INTEGER),
  "execution.warmup_prompts": whole(0, MANY),
  "execution.warmup_timeout_seconds": from(0, MANY),
  "execution.config_gap_seconds": from(0, MANY),
  "execution.cycle_gap_seconds": from(0, MANY),
  "execution.run_timeout_seconds": above0(MANY),
  "thermal.min_seconds": from(0, 86_400),
  "thermal.max_seconds": above0(86_400),
  "thermal.tolerance_c": from(0.5, 20),
  "measurement.interval_ms": whole(5, 1000),
  "measurement.baseline.duration_seconds": from(5, 600),
  "measurement.baseline.cache_ttl_seconds": from(0, MANY),
  "measurement.baseline.validation_interval": whole(1, MANY),
  "measurement.baseline.drift_threshold": above0(1),
  "grid.shared.idle_seconds": from(0, 86_400),
  "grid.shared.context_seconds": from(0, 86_400),
};
