// The host of the tests in a browser: it lives in the page, keeps state, and is authoritative about it. It is there only
// when the page is built with `--mode fake`; `window.__fake` is what a test sees of it, and does to it from outside.
import type { HostEvent } from "../api/bindings";
import type { Host } from "../api/host";
import { answers } from "./answers";
import { failure } from "./failure";
import { chosen } from "./scenario";
import { World } from "./world";

export type Call = { command: string; args: unknown[] };

export type Handle = {
  calls: Call[];
  emit: (event: HostEvent) => void;
  settings: () => string;
  /** Someone else writes the settings file. */
  writeSettings: (text: string) => void;
  campaign: (path: string) => string | null;
  /** Someone else writes a campaign file. */
  writeCampaign: (path: string, text: string) => void;
  /** From now on a command fails, and no other. */
  refuse: (command: keyof Host) => void;
  /** What it answers, past the page. */
  ask: (command: keyof Host, argument: string) => unknown;
};

declare global {
  interface Window {
    __fake?: Handle;
  }
}

const LATENCY_MS = 5;

export function fakeHost(): Host {
  const { scenario, speed } = chosen(sessionStorage.getItem("fake") ?? "");
  const world = new World(scenario, speed);
  const calls: Call[] = [];
  const refused = new Set<string>();
  const answering = answers(world) as Record<keyof Host, (...args: unknown[]) => unknown>;
  window.__fake = {
    calls,
    emit: (event) => world.emit(event),
    settings: () => world.settings,
    writeSettings: (text) => {
      world.settings = text;
    },
    campaign: (path) => world.files.get(path)?.text ?? null,
    writeCampaign: (path, text) => {
      world.files.set(path, { text, modifiedMs: Date.now() });
    },
    refuse: (command) => {
      refused.add(command);
    },
    ask: (command, argument) => answering[command](argument),
  };
  const waiting = Object.entries(answering).map(([command, answer]) => [
    command,
    async (...args: unknown[]) => {
      calls.push({ command, args });
      await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
      if (scenario === "failing" || refused.has(command)) {
        throw failure(
          "machine",
          `${command}: the results database is locked`,
          "end the other program, and try again",
        );
      }
      return answer(...args);
    },
  ]);
  return Object.fromEntries(waiting) as Host;
}
