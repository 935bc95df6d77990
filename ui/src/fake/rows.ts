// Rows of results: what a run of an experiment comes to.
import type { PlanExperiment, Provenance, ResultRow } from "../api/bindings";
import { adjustedBy, chosenBaseline } from "./baselines";
import { fits, noise, numberIn, tokensPerSecond } from "./physics";
import { qualityOf } from "./quality";

export type Place = {
  campaignId: string;
  campaignName: string;
  index: number;
  cycle: number;
  attempt: number;
  startedMs: number;
  gapS: number;
};

export type Energy = { gpu: number | null; cpu: number | null; provenance: Provenance };

/** How long the window of an experiment is, and how many tokens it holds. */
export function windowOf({ backend, parameters }: PlanExperiment): {
  seconds: number;
  requests: number;
  tokens: number;
  fits: boolean;
} {
  const batch = numberIn(parameters, "batch_size", 1);
  const requests = numberIn(parameters, "num_input_prompts", 16);
  const tokens = requests * numberIn(parameters, "max_output_tokens", 64);
  return { seconds: tokens / tokensPerSecond(backend, batch), requests, tokens, fits: fits(batch) };
}

/** A row of an attempt that has no results yet, or never will. */
export function emptyRow(
  experiment: PlanExperiment,
  place: Place,
  status: ResultRow["status"],
  error: string | null,
): ResultRow {
  return {
    run_id: `${place.campaignId}-${place.index}-${place.attempt}`,
    campaign_id: place.campaignId,
    campaign_name: place.campaignName,
    experiment: experiment.name,
    backend: experiment.backend,
    service: experiment.service,
    runner: experiment.runner,
    model: experiment.model,
    cycle: place.cycle,
    index: place.index,
    attempt: place.attempt,
    status,
    error,
    error_kind: error === null ? null : "out_of_memory",
    started_at: new Date(place.startedMs).toISOString(),
    window_s: null,
    energy_j: null,
    energy_uncertainty_j: null,
    energy_source: null,
    provenance: null,
    measured: null,
    mean_power_w: null,
    gpu_energy_j: null,
    cpu_energy_j: null,
    dram_energy_j: null,
    requests: null,
    input_tokens: null,
    output_tokens: null,
    tokens_per_second: null,
    joules_per_output_token: null,
    joules_per_request: null,
    ttft_ms_p50: null,
    gap_planned_s: place.gapS,
    gap_actual_s: place.gapS === 0 ? null : place.gapS + 0.02,
    start_temperature_c: startTemperature(experiment, place),
    joules_per_token: null,
    grade: null,
    baseline_kind: null,
    baseline_power_w: null,
    adjusted_energy_j: null,
    adjusted_energy_uncertainty_j: null,
    meter_name: null,
    meter_energy_j: null,
    meter_energy_uncertainty_j: null,
    meter_joules_per_output_token: null,
    meter_devices_share: null,
  };
}

/** Gaps of a fixed length do not always end at the same temperature; a thermometer tells whole degrees. */
function startTemperature({ backend }: PlanExperiment, { index, startedMs }: Place): number {
  const usual = backend === "candle" ? 36 : 41;
  return Math.round(usual + 2.4 * noise(index * 1.7 + startedMs / 5e9));
}

/** A row of a run that was completed in a window of this length with this energy. */
export function completedRow(
  experiment: PlanExperiment,
  place: Place,
  seconds: number,
  energy: Energy,
): ResultRow {
  const { requests, tokens } = windowOf(experiment);
  const joules = (energy.gpu ?? 0) + (energy.cpu ?? 0);
  return judged({
    ...emptyRow(experiment, place, "completed", null),
    window_s: seconds,
    energy_j: joules,
    energy_uncertainty_j: joules * (energy.provenance === "measured" ? 0.004 : 0.08),
    energy_source: energy.provenance === "measured" ? "counter" : "integral of power",
    provenance: energy.provenance,
    measured: energy.provenance === "measured",
    mean_power_w: joules / seconds,
    gpu_energy_j: energy.gpu,
    cpu_energy_j: energy.cpu,
    requests,
    input_tokens: requests * 32,
    output_tokens: tokens,
    tokens_per_second: tokens / seconds,
    joules_per_output_token: joules / tokens,
    joules_per_token: joules / (tokens + requests * 32),
    joules_per_request: joules / requests,
    // The embedded worker answers without streaming: it has no first token.
    ttft_ms_p50: experiment.backend === "candle" ? null : 31 + 4 * noise(place.index + place.startedMs / 7e9),
  });
}

/** With the energy above its baseline, where it has one, and with its grade. */
function judged(row: ResultRow): ResultRow {
  const baseline = chosenBaseline(row);
  const { adjusted_energy_j = null, adjusted_energy_uncertainty_j = null } =
    baseline === null ? {} : adjustedBy(row, baseline);
  const whole = {
    ...row,
    baseline_kind: baseline?.kind ?? null,
    baseline_power_w: baseline?.power_w ?? null,
    adjusted_energy_j,
    adjusted_energy_uncertainty_j,
  };
  return { ...whole, grade: qualityOf(whole).grade };
}

/** A run of the past, with some spread between the cycles. */
export function pastRow(experiment: PlanExperiment, place: Place, provenance: Provenance): ResultRow {
  const { seconds, fits: possible } = windowOf(experiment);
  if (!possible)
    return emptyRow(experiment, place, "failed", "CUDA out of memory: tried to allocate 16.00 GiB");
  const own = seconds * (1 + 0.003 * noise(place.index + place.startedMs / 1e9));
  const onGpu = experiment.backend !== "candle";
  // A warm board leaks: 0.3 % for each degree.
  const warm = onGpu ? 0.003 * (startTemperature(experiment, place) - 41) : 0;
  // One run of the longest campaign stands out from its experiment.
  const odd = onGpu && place.index === 12 ? 0.05 : 0;
  const watts = 1 + warm + odd + 0.004 * noise(place.index * 3 + place.startedMs / 3e9);
  return completedRow(experiment, place, own, {
    gpu: onGpu ? 306 * watts * own : null,
    cpu: onGpu ? null : 151 * watts * own,
    provenance,
  });
}
