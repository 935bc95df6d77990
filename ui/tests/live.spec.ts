// A campaign from its start to its end, as it is watched and steered.
import { expect, test, type Page } from "@playwright/test";

import { fake, FIRST_DEVICE, open, pixels } from "./app";

const now = (page: Page, text: RegExp) => page.getByRole("heading", { level: 2, name: text });
const cells = (page: Page) => page.getByRole("list", { name: "Runs of the campaign" }).getByRole("listitem");

test("quick start runs a campaign to its end, and its runs are among the results", async ({ page }) => {
  await open(page, "/bench", { speed: 3 });
  await page.getByRole("button", { name: "Quick start" }).click();
  await expect(now(page, /run . of 4: (preparing|starting|loading|idling|warming|measuring)/)).toBeVisible();
  await expect(now(page, /run . of 4: measuring/)).toBeVisible();
  await expect(page.getByRole("link", { name: /Campaign: run . of 4/ })).toBeVisible();
  await expect.poll(() => pixels(page.locator("main canvas").first(), FIRST_DEVICE)).toBeGreaterThan(100);
  await expect(now(page, /thermal gap/)).toBeVisible();
  await expect(page.getByText("The campaign is complete")).toBeVisible({ timeout: 25_000 });
  await expect(cells(page).getByRole("button", { name: /completed/ })).toHaveCount(4);
  await page.getByRole("link", { name: "Show the results" }).click();
  await expect(page.getByRole("status").filter({ hasText: "4 runs" })).toBeVisible();
  await expect(page.getByRole("table", { name: "Runs" }).getByText("estimated").first()).toBeVisible();
});

test("a gap counts down, says who set it, and shows how the device cools", async ({ page }) => {
  await open(page, "/live", { fake: "in-gap" });
  const timer = page.getByRole("timer", { name: "Time left of the gap" });
  const before = await timer.textContent();
  await expect(timer).not.toHaveText(before ?? "");
  await expect(page.getByText("set by: .lem-config.yaml, line 8")).toBeVisible();
  await expect(page.getByText(/°C at its begin, now/)).toBeVisible();
});

test("a gap can be skipped", async ({ page }) => {
  await open(page, "/live", { fake: "in-gap" });
  await page.getByRole("button", { name: "Skip this gap" }).click();
  await expect(now(page, /run 4 of 12: (starting|loading|idling|warming|measuring)/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Skip this gap" })).toHaveCount(0);
});

test("a pause waits for the end of the run, and is ended by continuing", async ({ page }) => {
  await open(page, "/live", { fake: "running", speed: 60 });
  await page.getByRole("button", { name: "Pause after this run" }).click();
  await expect(page.getByRole("button", { name: "Continue" })).toBeVisible();
  await expect(now(page, /: paused/)).toBeVisible({ timeout: 15_000 });
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(now(page, /run 5 of 12/)).toBeVisible();
});

test("stopping asks, says what is kept, and the campaign can be resumed", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Stop the campaign now?" });
  await expect(dialog).toContainText("Finished runs are kept");
  await dialog.getByRole("button", { name: "Go on" }).click();
  await expect(now(page, /measuring/)).toBeVisible();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await dialog.getByRole("button", { name: "Stop now" }).click();
  await expect(page.getByText("The campaign was stopped")).toBeVisible();
  await expect(cells(page).getByRole("button", { name: /interrupted/ })).toHaveCount(1);
  await expect(page.getByRole("button", { name: /^Resume batch sweep/ })).toBeVisible();
});

test("a page that is loaded in the middle of a campaign shows its true state", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  for (const load of [() => Promise.resolve(), () => page.reload().then(() => undefined)]) {
    await load();
    await expect(now(page, /run 4 of 12: measuring/)).toBeVisible();
    await expect(cells(page)).toHaveCount(12);
    await expect(cells(page).getByRole("button", { name: /, completed/ })).toHaveCount(2);
    await expect(cells(page).getByRole("button", { name: /, failed/ })).toHaveCount(1);
    await expect.poll(() => pixels(page.locator("main canvas").first(), FIRST_DEVICE)).toBeGreaterThan(100);
    await expect(page.getByLabel("Log of the worker")).toContainText("CUDA out of memory");
  }
});

test("an estimated energy says so beside each of its numbers, while it runs too", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  for (const label of ["Energy so far", "J/token so far"]) {
    const figure = page.getByText(label, { exact: true }).locator("..");
    await expect(figure).toContainText(/[\d.]+.*J.*estimated/s);
  }
  await expect(page.getByRole("banner").getByText(/W estimated/)).toBeVisible();
  await expect(page.getByRole("img", { name: /Power over time.*AMD EPYC 9334 \(estimated\)/ })).toBeVisible();
  await expect(cells(page).first().getByRole("button")).toHaveAccessibleName(/kJ.*\(estimated\)/);
});

test("the log can be narrowed to what matters", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  const log = page.getByLabel("Log of the worker");
  await expect(log).toContainText("phase load");
  await page.getByRole("switch", { name: "Only warnings and errors" }).click();
  await expect(log).not.toContainText("phase load");
  await expect(log).toContainText("error: CUDA out of memory");
});

test("while a campaign runs no other can be started", async ({ page }) => {
  await open(page, "/bench", { fake: "running" });
  await expect(page.getByRole("button", { name: "Quick start" })).toBeDisabled();
});

for (const { button, answer } of [
  { button: "Back", answer: "cancel" },
  { button: "Keep it running", answer: "keep_running" },
  { button: "Stop it and quit", answer: "stop_and_quit" },
]) {
  test(`closing the window asks, and "${button}" answers ${answer}, once`, async ({ page }) => {
    await open(page, "/bench", { fake: "running" });
    await fake(page, (handle) => handle.emit({ event: "close_asked" }));
    const dialog = page.getByRole("dialog", { name: "A campaign is running" });
    await dialog.getByRole("button", { name: button }).click();
    await expect(dialog).toHaveCount(0);
    const answers = await fake(page, (handle) =>
      handle.calls.filter((call) => call.command === "answerClose").map((call) => call.args[0]),
    );
    expect(answers).toEqual([answer]);
  });
}

test("dismissing the question keeps the window", async ({ page }) => {
  await open(page, "/bench", { fake: "running" });
  await fake(page, (handle) => handle.emit({ event: "close_asked" }));
  await expect(page.getByRole("dialog", { name: "A campaign is running" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect
    .poll(() => fake(page, (handle) => handle.calls.filter((call) => call.command === "answerClose").length))
    .toBe(1);
});
