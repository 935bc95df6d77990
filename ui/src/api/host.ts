// The door to the host: everything the page asks of the engine goes through `host()`.
//
// In the app the host is the Rust shell; in the tests in a browser it is `src/fake`, which keeps state and answers with
// the same types. Nothing else in the page knows which one it is. Failures are thrown as `HostError`.
import type { CommandError, ErrorCode, HostEvent, commands } from "./bindings";
import type { TraceChannel, TraceWindow } from "./trace";

type Commands = typeof commands;
type Data<R> = R extends { status: "ok"; data: infer D } ? D : never;
type Plain<F> = F extends (...args: infer A) => Promise<infer R> ? (...args: A) => Promise<Data<R>> : never;

/** Every command of the shell, plus the three that do not carry plain JSON. */
export type Host = { [K in Exclude<keyof Commands, "watch">]: Plain<Commands[K]> } & {
  /** Events from now on; the first is a snapshot. A later call replaces the listener. */
  watch: (listener: (event: HostEvent) => void) => Promise<void>;
  liveWindow: (fromS: number, toS: number, buckets: number, channel: TraceChannel) => Promise<TraceWindow>;
  runWindow: (
    run: string,
    fromS: number | null,
    toS: number | null,
    buckets: number,
    channel: TraceChannel,
  ) => Promise<TraceWindow>;
};

/** What the host answered instead of a result: what happened, and what to do. */
export class HostError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(error: CommandError) {
    super(error.message);
    this.name = "HostError";
    this.code = error.code;
    this.hint = error.hint;
  }
}

let current: Host | null = null;

/** Chooses the host; called once, before the first screen. */
export function setHost(chosen: Host): void {
  current = chosen;
}

/** The host of this page. */
export function host(): Host {
  if (current === null) throw new Error("no host was chosen before the first call");
  return current;
}
