// The files of the fake project.

export const SETTINGS = `# Settings of LEM Desktop for this project.

verbosity: normal

# Pauses that let the devices cool, in seconds.
thermal_gaps:
  between_experiments: 45  # measured: the board is at 40 degrees by then
  between_cycles: 120

docker:
  strategy: ephemeral
  warmup_delay: 2

lab_notebook: page 12
`;

/** Line 6 cannot be read. */
export const INVALID_SETTINGS = `# Settings of LEM Desktop for this project.

thermal_gaps:
  between_experiments: 45
docker:
  strategy: [ephemeral
verbosity: normal
`;

export const STARTER = `# A campaign: every combination of what is listed under \`grid\` is one experiment, run \`cycles\` times.

campaign_name: new campaign

runner: process

grid:
  backends: [candle]
  models: [synthetic/llama-15m]
  shared:
    max_output_tokens: 64        # a list is swept: [64, 128]
    num_input_prompts: 16        # requests in the measured window

execution:
  cycles: 3
  structure: interleaved         # or: shuffled, grouped, reverse, latin_square
`;

const QUICKSTART = `# A first campaign: does a longer answer cost more energy, per token?
campaign_name: quickstart

runner: process

grid:
  backends: candle
  models: synthetic/llama-15m
  shared:
    max_output_tokens: [64, 128]     # two experiments: short answers and long ones
    num_input_prompts: 16

execution:
  cycles: 2
  config_gap_seconds: 1
  cycle_gap_seconds: 2
`;

const BATCHES = `# Does a larger batch cost less energy per token? Batch 64 does not fit beside the weights.
campaign_name: batch sweep

grid:
  backends: [pytorch]
  models: [meta-llama/Llama-3.1-8B]
  shared:
    batch_size: [1, 8, 64]
    max_output_tokens: 128
    num_input_prompts: 100

execution:
  cycles: 4
  seed: 7

reviewed_by: j.d. # not a key of this program
`;

const ENGINES = `campaign_name: engines
grid:
  backends: [pytorch, tensorrt] # TensorRT has no service yet
  models: [meta-llama/Llama-3.1-8B]
  shared:
    max_output_tokens: 128
execution:
  cycles: 3
`;

const KNOWN = `# Is batch 8 worth it? Until the answer is within 2 %, and each run from the same temperature.
campaign_name: until it is known

grid:
  backends: [pytorch]
  models: [meta-llama/Llama-3.1-8B]
  shared:
    batch_size: [1, 8]
    max_output_tokens: 128
    num_input_prompts: 100

execution:
  cycles:
    min: 3                       # fewer say little
    max: 6
    target_ci_percent: 2

thermal:
  mode: adaptive
  max_seconds: 240
  tolerance_c: 2                 # the room is cool

measurement:
  baseline: {duration_seconds: 20, strategy: fresh}
`;

const FAILS = STARTER.replace("new campaign", "fail-start");

/** A campaign with adaptive gaps, a baseline, and cycles until its experiments are known. */
export const KNOWN_PATH = "campaigns/known.yaml";
export const QUICKSTART_PATH = "campaigns/quickstart.yaml";

export function campaignFiles(): Map<string, { text: string; modifiedMs: number }> {
  const day = Date.UTC(2026, 10, 20, 9, 30);
  return new Map([
    ["campaigns/batch-sweep.yaml", { text: BATCHES, modifiedMs: day }],
    ["campaigns/engines.yaml", { text: ENGINES, modifiedMs: day + 3_600_000 }],
    ["campaigns/fail-start.yaml", { text: FAILS, modifiedMs: day + 7_200_000 }],
    [KNOWN_PATH, { text: KNOWN, modifiedMs: day + 10_800_000 }],
    [QUICKSTART_PATH, { text: QUICKSTART, modifiedMs: day - 86_400_000 }],
  ]);
}

/** What importing brings: the dialect of an earlier tool, with keys that this program does not know. */
export const FOREIGN = `campaign_name: imported from elsewhere
runner: process
grid:
  backends: [candle]
  models: [synthetic/llama-15m]
operator: someone else
`;
