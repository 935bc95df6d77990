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
  await expect(page.getByText(/Waiting for/)).toHaveCount(0);
  await expect(page.getByRole("img", { name: /^Temperature over time/ })).toHaveCount(0);
});

test("cooling says how long it may take at most, from where, and what ends it", async ({ page }) => {
  await open(page, "/live", { fake: "cooling" });
  await expect(now(page, /run 4 of 12: cooling, at most \d+ min .* left/)).toBeVisible();
  await expect(page.getByRole("timer", { name: "Time left of the gap at most" })).toHaveText(/at most \d+/);
  await expect(
    page.getByText(/of 4.min 00.s that it may take, set by: campaign file, line 20/),
  ).toBeVisible();
  await expect(page.getByText(/\d\d.°C at its begin, now \d\d.°C/)).toBeVisible();
  await expect(page.getByText(/back where they were before the first run/)).toBeVisible();
  // The tolerance of this campaign is 2 °C.
  const target = page.getByText(/^Waiting for \d\d.°C; it was \d\d.°C before the first run$/);
  const [cool, reference] = ((await target.textContent()) ?? "").match(/\d+/g) ?? [];
  expect(Number(cool)).toBe(Number(reference) + 2);
  await expect(
    page.getByRole("img", { name: new RegExp(`^Temperature over time.* Line: cool at ${cool}.°C\\.`) }),
  ).toBeVisible();
  await expect(page.getByRole("link", { name: /Campaign: run 4 of 12, cooling, at most/ })).toBeVisible();
});

test("cooling ends when the devices are cool, long before its time", async ({ page }) => {
  await open(page, "/live", { fake: "cooling", speed: 15 });
  await expect(now(page, /run 4 of 12: recording the devices at rest/)).toBeVisible({ timeout: 15_000 });
});

test("a baseline says that the devices are recorded, and cannot be skipped", async ({ page }) => {
  await open(page, "/live", { fake: "at-rest" });
  await expect(now(page, /run 3 of 12: recording the devices at rest/)).toBeVisible();
  await expect(page.getByRole("timer", { name: "Time left of the baseline" })).toHaveText(/1\d.s/);
  await expect(page.getByText(/of 20.s, set by: measurement.baseline/)).toBeVisible();
  const log = page.getByLabel("Log of the worker");
  await expect(log).toContainText(/bare baseline: \d+\.\d W \(estimated\)/);
  await expect(log).not.toContainText(/bare baseline: \d+\.\d W(?! \(estimated\))/);
  await expect(page.getByRole("button", { name: "Pause after this run" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Skip this gap" })).toHaveCount(0);
});

test("runs that are not needed say so, count as over, and are not made up for", async ({ page }) => {
  await open(page, "/live", { fake: "known" });
  const spared = cells(page).getByRole("button", { name: /not needed; its experiment is known well enough/ });
  await expect(spared).toHaveCount(3);
  await expect(spared.first()).toHaveText("–");
  await expect(cells(page).getByRole("button", { name: /, completed; grade [ABC];/ })).toHaveCount(5);
  await expect(page.getByText(/3 not needed/)).toBeVisible();
  // 5 are done and 3 need not be.
  await expect(page.getByRole("main").getByRole("progressbar", { name: "Runs done" })).toHaveAttribute(
    "aria-valuenow",
    /^66\.6/,
  );
  await expect(page.getByLabel("Log of the worker")).toContainText("3 runs not needed: after 3 cycles");
});

test("a campaign whose experiments are known is complete, and has nothing to resume", async ({ page }) => {
  await open(page, "/live", { fake: "known", speed: 60 });
  await expect(page.getByText("The campaign is complete")).toBeVisible({ timeout: 25_000 });
  await expect(page.getByText(/6 runs completed, 6 not needed\./)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Resume/ })).toHaveCount(0);
  await page.getByRole("link", { name: "Campaigns", exact: true }).click();
  const row = page.getByRole("row", { name: /until it is known/ }).last();
  await expect(row).toContainText("6 of 12 6 not needed");
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
