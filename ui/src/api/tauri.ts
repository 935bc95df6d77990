// The host of the app: the commands of the Rust shell.
import { Channel, invoke } from "@tauri-apps/api/core";

import { commands, type CommandError, type HostEvent } from "./bindings";
import { HostError, type Host } from "./host";
import { readTraceWindow } from "./trace";

type Answer = { status: "ok"; data: unknown } | { status: "error"; error: unknown };

/** Failures of the framework itself arrive as plain strings, those of commands as `CommandError`. */
function failure(error: unknown): HostError {
  if (typeof error === "string") return new HostError({ code: "machine", message: error, hint: null });
  return new HostError(error as CommandError);
}

async function raw(command: string, args: Record<string, unknown>): Promise<ArrayBuffer> {
  try {
    return await invoke<ArrayBuffer>(command, args);
  } catch (error) {
    throw failure(error);
  }
}

/** The commands with their answers unwrapped. */
export function tauriHost(): Host {
  const plain = Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      async (...args: never[]) => {
        const answer: Answer = await (command as (...args: never[]) => Promise<Answer>)(...args);
        if (answer.status === "error") throw failure(answer.error);
        return answer.data;
      },
    ]),
  ) as unknown as Omit<Host, "watch" | "liveWindow" | "runWindow">;
  return {
    ...plain,
    watch: async (listener) => {
      const channel = new Channel<HostEvent>();
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a channel of Tauri is no EventTarget
      channel.onmessage = listener;
      const answer = await commands.watch(channel);
      if (answer.status === "error") throw failure(answer.error);
    },
    liveWindow: async (fromS, toS, buckets, channel) =>
      readTraceWindow(await raw("live_window", { fromS, toS, buckets, channel })),
    runWindow: async (run, fromS, toS, buckets, channel) =>
      readTraceWindow(await raw("run_window", { run, fromS, toS, buckets, channel })),
  };
}
