// The formulas of derived values for a person to check a number by: docs/metrics.md and the engine have the same words.
import type { Formula } from "../api/bindings";

export type FormulaText = {
  label: string;
  expression: string;
  source: string;
  /** What it leaves out. */
  without: string;
  /** Whether the energy goes into it: such a value is as measured as the energy is. */
  ofEnergy: boolean;
};

const KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361, section 2.1";
const PALM = "Chowdhery et al. 2022 (PaLM), arXiv 2204.02311, appendix B";
const BESIDE_WEIGHTS =
  "attention over the context, embedding lookups, the output head, softmax, normalization";
const BESIDE_PRODUCTS = "embedding lookups, the output head, softmax, normalization";
const TIMES = "times of the requests, as the worker told them";
const UNMEASURED = "devices that are not measured";

export const FORMULAS: Record<Formula, FormulaText> = {
  parameter_flops: {
    label: "Operations of weights",
    expression: "2 × non-embedding parameters × (input + output tokens)",
    source: KAPLAN,
    without: BESIDE_WEIGHTS,
    ofEnergy: false,
  },
  attention_flops: {
    label: "Operations of attention",
    expression: "4 × layers × (heads × head size) × sum of the context of every token",
    source: PALM,
    without: "projections (they are weights), softmax and masks",
    ofEnergy: false,
  },
  total_flops: {
    label: "Operations, both",
    expression: "operations of weights + operations of attention",
    source: PALM,
    without: BESIDE_PRODUCTS,
    ofEnergy: false,
  },
  flops_per_second: {
    label: "Operations per second",
    expression: "operations of weights / window",
    source: KAPLAN,
    without: BESIDE_WEIGHTS,
    ofEnergy: false,
  },
  flops_per_joule: {
    label: "Operations per joule",
    expression: "operations of weights / energy",
    source: KAPLAN,
    without: BESIDE_WEIGHTS,
    ofEnergy: true,
  },
  mfu: {
    label: "Model FLOPs utilization (MFU)",
    expression: "operations of weights / window / sum of the GPUs' dense peaks",
    source: PALM,
    without: BESIDE_WEIGHTS,
    ofEnergy: false,
  },
  mfu_with_attention: {
    label: "MFU with attention",
    expression: "operations, both / window / sum of the GPUs' dense peaks",
    source: PALM,
    without: BESIDE_PRODUCTS,
    ofEnergy: false,
  },
  mbu: {
    label: "Model bandwidth utilization (MBU)",
    expression:
      "(decoding steps × weight bytes + cached bytes read) / window / sum of the GPUs' bandwidths, from below",
    source: "Databricks 2023, LLM Inference Performance Engineering: Best Practices",
    without: "prefill, activations, writes, half of the embeddings, and steps of a batch that was not full",
    ofEnergy: false,
  },
  prefill_joules_per_input_token: {
    label: "Prefill, per input token",
    expression: "energy of prefill / input tokens",
    source: TIMES,
    without: `the time between requests; ${UNMEASURED}`,
    ofEnergy: true,
  },
  decode_joules_per_output_token: {
    label: "Decode, per output token",
    expression: "energy of decode / (output tokens - requests)",
    source: TIMES,
    without: `the time between requests; ${UNMEASURED}`,
    ofEnergy: true,
  },
  carbon: {
    label: "Carbon",
    expression: "energy in kWh × PUE × carbon intensity",
    source: "PUE: ISO/IEC 30134-2; carbon intensity: a setting",
    without: `${UNMEASURED}, and the making of the hardware`,
    ofEnergy: true,
  },
  energy_cost: {
    label: "Cost of the energy",
    expression: "energy in kWh × PUE × price per kWh",
    source: "prices: settings",
    without: UNMEASURED,
    ofEnergy: true,
  },
  device_cost: {
    label: "Cost of the devices",
    expression: "price per device and hour × devices × window in hours",
    source: "prices: settings",
    without: "loading, warm-up and gaps: the window alone is counted",
    ofEnergy: false,
  },
  total_cost: {
    label: "Cost, both",
    expression: "cost of the energy + cost of the devices",
    source: "prices: settings",
    without: `${UNMEASURED}; loading, warm-up and gaps`,
    ofEnergy: true,
  },
};
