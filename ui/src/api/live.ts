// What the machine does now: the snapshot of the engine, kept in step by its events.
//
// The engine tells the state of each part whenever it changes; here parts are replaced and nothing is computed, so that
// a page that is reloaded in the middle of a campaign shows the same as one that was there from the start.
import { useSyncExternalStore } from "react";

import type { HostEvent, LiveCampaign, LogLine, Reading, Snapshot } from "./bindings";

const LOG_LINES = 500;

/** The snapshot after an event. Events that change nothing in it return the same object. */
export function afterEvent(live: Snapshot | null, event: HostEvent): Snapshot | null {
  if (event.event === "snapshot") return event.snapshot;
  if (live === null) return null;
  if (event.event === "samples") return { ...live, now_s: event.now_s, readings: event.readings };
  if (live.campaign === null) return live;
  const campaign = campaignAfter(live.campaign, event);
  return campaign === live.campaign ? live : { ...live, campaign };
}

function campaignAfter(campaign: LiveCampaign, event: HostEvent): LiveCampaign {
  switch (event.event) {
    case "now":
      return { ...campaign, now: event.now };
    case "run":
      return { ...campaign, runs: replaced(campaign.runs, event.run, (run) => run.index) };
    case "span":
      return { ...campaign, spans: replaced(campaign.spans, event.span, (span) => span.id) };
    case "log":
      return { ...campaign, log: latest([...campaign.log, ...event.lines]) };
    default:
      return campaign;
  }
}

/** The list with the item of the same key replaced, or the item appended. New items are the usual case: look from the end. */
function replaced<T>(list: T[], item: T, key: (item: T) => number): T[] {
  const at = list.findLastIndex((other) => key(other) === key(item));
  return at < 0 ? [...list, item] : list.with(at, item);
}

function latest(lines: LogLine[]): LogLine[] {
  return lines.length > LOG_LINES ? lines.slice(-LOG_LINES) : lines;
}

let state: Snapshot | null = null;
let legible: { readings: Reading[]; halfSecond: number } = { readings: [], halfSecond: -1 };
const listeners = new Set<() => void>();

/** Takes an event of the host. */
export function takeEvent(event: HostEvent): void {
  const next = afterEvent(state, event);
  if (next === state) return;
  state = next;
  const halfSecond = Math.floor((next?.now_s ?? 0) * 2);
  if (event.event !== "samples" || halfSecond !== legible.halfSecond) {
    legible = { readings: next?.readings ?? [], halfSecond };
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The present snapshot outside of React. */
export function liveNow(): Snapshot | null {
  return state;
}

/** A part of the snapshot; the component is drawn again when that part is another object. */
export function useLive<T>(select: (live: Snapshot | null) => T): T {
  return useSyncExternalStore(subscribe, () => select(state));
}

/** The readings, for text: renewed twice a second, since no one reads faster. */
export function useReadings(): Reading[] {
  return useSyncExternalStore(subscribe, () => legible.readings);
}

/** The present in seconds of the live clock, in steps of `stepS`: what is drawn from it changes no more often. */
export function useNow(stepS: number): number {
  return useLive((live) => Math.floor((live?.now_s ?? 0) / stepS) * stepS);
}

/** Whether a campaign is under way. */
export function isRunning(live: Snapshot | null): boolean {
  return live?.campaign != null && live.campaign.now.state !== "ended";
}
