// Why a run failed, in words: the kinds that the engine stores.

const TITLES: { [kind in string]: string } = {
  start: "The worker could not be started",
  protocol: "The worker broke the rules of the protocol",
  exit: "The worker ended without a result",
  run_timeout: "The run took longer than it may",
  silence_timeout: "The worker said nothing for too long",
  device_lost: "A device was lost",
  stopped: "The run was stopped",
  out_of_memory: "Out of memory",
  model_not_found: "The model was not found",
  unsupported_parameter: "A parameter cannot be carried out",
  engine: "The engine failed",
};

/** A kind that this version does not know stands for itself. */
export function failureTitle(kind: string | null): string {
  return kind === null ? "The run failed" : (TITLES[kind] ?? kind);
}
