// The few words in which the tests speak of the app: opening it in a state, and waiting until a screen has its data.
import { expect, type Locator, type Page } from "@playwright/test";

import type { Handle } from "../src/fake/host";
import type { Scenario } from "../src/fake/scenario";

type Beginning = { fake?: Scenario; speed?: number };

/** Opens a screen of the app in a scenario of its fake host. */
export async function open(page: Page, at: string, beginning: Beginning = {}) {
  await page.goto(`/?fake=${beginning.fake ?? "bench"}&speed=${beginning.speed ?? 1}#${at}`);
  await ready(page);
}

/** The screen has its data. */
export async function ready(page: Page) {
  await expect(page.locator("body[data-ready]")).toBeAttached();
}

/** Does something to the fake host from outside of the page, or looks at it. */
export function fake<T, A>(page: Page, act: (handle: Handle, argument: A) => T, argument?: A): Promise<T> {
  return page.evaluate(
    ([source, given]) => {
      const run = new Function(`return (${source})`)() as (handle: Handle, argument: A) => T;
      if (window.__fake === undefined) throw new Error("the page was built without the fake host");
      return run(window.__fake, given as A);
    },
    [act.toString(), argument] as const,
  );
}

/** The arguments of the last call of a command. */
export async function lastCall(page: Page, command: string): Promise<unknown[] | null> {
  return fake(
    page,
    (handle, name) => handle.calls.findLast((call) => call.command === name)?.args ?? null,
    command,
  );
}

/** Ids of experiments in the history of the fake, as the address of the comparison has them. */
export function comparing(...references: string[]): string {
  return `/results/compare?e=${encodeURIComponent(JSON.stringify(references))}`;
}

export const BATCH_1 = "c-0003~pytorch_Llama-3.1-8B_batch_size-1";
export const BATCH_8 = "c-0003~pytorch_Llama-3.1-8B_batch_size-8";
export const BATCH_32 = "c-0003~pytorch_Llama-3.1-8B_batch_size-32";
export const ESTIMATED = "c-0002~candle_llama-15m_max_output_tokens-64";
export const SIMULATED = "c-0001~candle_llama-15m_max_output_tokens-64";

/** How many points of a canvas are drawn in about this colour. */
export function pixels(canvas: Locator, [red, green, blue]: [number, number, number]): Promise<number> {
  return canvas.evaluate(
    (element: HTMLCanvasElement, wanted) => {
      const { data } = element.getContext("2d")?.getImageData(0, 0, element.width, element.height) ?? {
        data: [],
      };
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const near = wanted.every((value, channel) => Math.abs((data[at + channel] ?? 0) - value) < 24);
        if (near && (data[at + 3] ?? 0) > 128) count += 1;
      }
      return count;
    },
    [red, green, blue],
  );
}

/** The colour of the first device in every chart. */
export const FIRST_DEVICE: [number, number, number] = [0, 0x72, 0xb2];
