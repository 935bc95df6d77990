// What follows from a run by a formula, as the engine derives it: from the row, the model, and the settings.
import type { Derived, Formula, Input, Missing, ResultRow, RunMetrics, Value } from "../api/bindings";
import { parse } from "yaml";
import { partsOf } from "./parts";

type Known = number | Missing[];

/** What a worker says of a model, and what is known of the board. */
const LLAMA_8B = {
  body: 6_979_588_096,
  embeddings: 1_050_673_152,
  layers: 32,
  width: 4096,
  weight_bytes: 16_060_522_496,
  kv_bytes: 131_072,
};
const LLAMA_15M = { ...LLAMA_8B, body: 5_971_968, embeddings: 9_216_000, layers: 6, width: 288 };
const H100_PCIE = { flops: 756.5e12, bytes: 2000e9 };
const MODELLED: readonly Formula[] = [
  "parameter_flops",
  "attention_flops",
  "total_flops",
  "flops_per_second",
  "flops_per_joule",
  "mfu",
  "mfu_with_attention",
  "mbu",
];

function missing(input: Input, reason: string): Missing[] {
  return [{ input, reason }];
}

/** A formula over what is known, or everything that it lacks, each reason once. */
function over(inputs: Known[], formula: (...values: number[]) => number): Known {
  const lacking = inputs.flatMap((input) => (typeof input === "number" ? [] : input));
  const reasons = new Map(lacking.map((one) => [one.reason, one]));
  return lacking.length > 0 ? [...reasons.values()] : formula(...(inputs as number[]));
}

function derived(
  formula: Formula,
  value: Known,
  relative: number | null = null,
  notes: string[] = [],
): Derived {
  const there = typeof value === "number";
  return {
    value: there ? value : null,
    uncertainty: there && relative !== null ? value * relative : null,
    formula,
    modelled: MODELLED.includes(formula),
    missing: there ? [] : value,
    notes: there ? notes : [],
  };
}

function readFootprint(settings: string): Record<string, unknown> {
  try {
    return (parse(settings) as { footprint?: Record<string, unknown> } | null)?.footprint ?? {};
  } catch {
    // The screen of the settings says where; until it is mended, no amount is set.
    return {};
  }
}

/** Amounts under `footprint` of the settings file. */
function footprint(settings: string): (name: string) => Known {
  const all = readFootprint(settings);
  return (name) => {
    const value = all[name];
    return typeof value === "number" ? value : missing("setting", `the setting ${name} is not set`);
  };
}

function work(row: ResultRow, parameters: Value) {
  const model = row.model.includes("8B") ? LLAMA_8B : LLAMA_15M;
  const window = row.window_s ?? missing("window", "the window is not known");
  const energy = row.energy_j ?? missing("energy", "the energy of the window is not known");
  const [input, output, requests] = [row.input_tokens ?? 0, row.output_tokens ?? 0, row.requests ?? 0];
  const tokens =
    input + output > 0 ? input + output : missing("tokens", "no token was processed in the window");
  const noGpu = missing("gpus", "the model ran on no GPU, or on which is not known");
  const gpu = row.gpu_energy_j === null ? null : H100_PCIE;
  // Each request sees its prompt grow to its answer.
  const each = requests === 0 ? 0 : (input + output) / requests;
  const contexts = over([tokens], () => (requests * each * (each + 1)) / 2);
  const answer = requests === 0 ? 0 : output / requests;
  const batch = (parameters as { [key in string]: Value }).batch_size;
  const cached = requests * ((answer - 1) * (input / Math.max(1, requests)) + ((answer - 1) * answer) / 2);
  const read = over(
    [
      typeof batch === "number"
        ? batch
        : missing("batch", "how many sequences shared a step of decoding is not known"),
    ],
    (size) =>
      ((requests * (answer - 1)) / size) * (model.weight_bytes - model.embeddings) + cached * model.kv_bytes,
  );
  const peak = (of: keyof typeof H100_PCIE): Known => gpu?.[of] ?? noGpu;
  return { model, window, energy, tokens, contexts, read, peak };
}

/** Energy of a part of the window for each of its tokens. */
function perToken(row: ResultRow, kind: "prefill" | "decode", tokens: number): Derived {
  const formula = kind === "prefill" ? "prefill_joules_per_input_token" : "decode_joules_per_output_token";
  const { window_parts, parts_withheld } = partsOf(row);
  const part = window_parts.find((one) => one.part === kind);
  if (part === undefined)
    return derived(
      formula,
      missing("parts", parts_withheld ?? "the window was not divided into prefill and decode"),
    );
  const relative =
    part.energy_j === null || part.energy_uncertainty_j === null
      ? null
      : part.energy_uncertainty_j / part.energy_j;
  const energy = part.energy_j ?? missing("energy", part.withheld ?? "the part has no energy");
  return derived(
    formula,
    over([energy], (joules) => joules / tokens),
    relative,
  );
}

export function metricsOf(row: ResultRow, parameters: Value, settings: string): RunMetrics {
  const { model, window, energy, tokens, contexts, read, peak } = work(row, parameters);
  const setting = footprint(settings);
  const relative =
    row.energy_j === null || row.energy_uncertainty_j === null
      ? null
      : row.energy_uncertainty_j / row.energy_j;
  const operations = over([tokens], (n) => 2 * model.body * n);
  const attention = over([contexts], (sum) => 4 * model.layers * model.width * sum);
  const total = over([operations, attention], (a, b) => a + b);
  const share = (flops: Known) => over([flops, window, peak("flops")], (n, s, most) => n / s / most);
  const pue = setting("datacenter_pue");
  const factor = typeof pue === "number" ? pue : 1;
  const assumed =
    typeof pue === "number"
      ? []
      : ["PUE is taken as 1.0, because datacenter_pue is not set: nothing is added for cooling and supply."];
  const kwh = over([energy], (joules) => (joules / 3.6e6) * factor);
  const product = (a: Known, b: Known) => over([a, b], (x, y) => x * y);
  const ofEnergy = product(kwh, setting("price_per_kwh"));
  const ofDevices = over(
    [setting("device_price_per_hour"), window, peak("flops")],
    (price, seconds) => (price * seconds) / 3600,
  );
  const carbon = product(kwh, setting("carbon_intensity_gco2_kwh"));
  const energyCost = derived("energy_cost", ofEnergy, relative, assumed);
  const totalCost = derived(
    "total_cost",
    over([ofEnergy, ofDevices], (a, b) => a + b),
    null,
    assumed,
  );
  return {
    parameter_flops: derived("parameter_flops", operations),
    attention_flops: derived("attention_flops", attention),
    total_flops: derived("total_flops", total),
    flops_per_second: derived(
      "flops_per_second",
      over([operations, window], (n, s) => n / s),
    ),
    flops_per_joule: derived(
      "flops_per_joule",
      over([operations, energy], (n, j) => n / j),
      relative,
    ),
    mfu: derived("mfu", share(operations)),
    mfu_with_attention: derived("mfu_with_attention", share(total)),
    mbu: derived(
      "mbu",
      over([read, window, peak("bytes")], (bytes, s, most) => bytes / s / most),
      null,
      ["An estimate from below by a model of decoding, not a measurement."],
    ),
    prefill_joules_per_input_token: perToken(row, "prefill", row.input_tokens ?? 0),
    decode_joules_per_output_token: perToken(row, "decode", (row.output_tokens ?? 0) - (row.requests ?? 0)),
    carbon_g: derived("carbon", carbon, relative, assumed),
    energy_cost: energyCost,
    device_cost: derived("device_cost", ofDevices),
    total_cost: { ...totalCost, uncertainty: totalCost.value === null ? null : energyCost.uncertainty },
  };
}
