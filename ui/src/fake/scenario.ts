// Which state the fake begins in: chosen in the address, so that a test or a person can look at any of them. See the
// plugin in vite.config.ts for how it gets here.
//
//   ?fake=running&speed=10#/live

const SCENARIOS = [
  "bench",
  "first-start",
  "invalid-settings",
  "no-docker",
  "running",
  "in-gap",
  "cooling",
  "at-rest",
  "known",
  "many",
  "failing",
] as const;

export type Scenario = (typeof SCENARIOS)[number];

/** The scenario, and how many simulated seconds a real one has. */
export function chosen(search: string): { scenario: Scenario; speed: number } {
  const asked = new URLSearchParams(search);
  const scenario = SCENARIOS.find((name) => name === asked.get("fake")) ?? "bench";
  return { scenario, speed: Number(asked.get("speed") ?? 1) };
}
