// The results: found, sorted, grouped, compared, exported, deleted; and never without saying how they came about.
import { expect, test, type Page } from "@playwright/test";

import type { ResultQuery } from "../src/api/bindings";
import {
  BATCH_1,
  BATCH_32,
  BATCH_8,
  comparing,
  ESTIMATED,
  FIRST_DEVICE,
  lastCall,
  open,
  pixels,
  SIMULATED,
} from "./app";

const runs = (page: Page) => page.getByRole("table", { name: "Runs" });
const rows = (page: Page) => runs(page).locator("[aria-rowindex]:not([aria-rowindex='1'])");
const count = (page: Page) => page.getByRole("status").filter({ hasText: /runs$/ });

async function choose(page: Page, label: string, option: string) {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
  await page.keyboard.press("Escape");
}

test("a column sorts, first the greatest, then the least", async ({ page }) => {
  await open(page, "/results");
  const heading = runs(page).getByRole("columnheader", { name: "Energy, J" });
  await heading.getByRole("button").click();
  await expect(heading).toHaveAttribute("aria-sort", "descending");
  await expect(rows(page).first()).toContainText("batch_size-1");
  await heading.getByRole("button").click();
  await expect(heading).toHaveAttribute("aria-sort", "ascending");
  await expect(rows(page).first()).toContainText("candle");
});

test("filters and search narrow the rows, and their number says so", async ({ page }) => {
  await open(page, "/results");
  await expect(count(page)).toHaveText("34 runs");
  await choose(page, "Backend", "candle");
  await expect(count(page)).toHaveText("6 runs");
  await page.getByRole("textbox", { name: "Search" }).fill("simulated");
  await expect(count(page)).toHaveText("2 runs");
});

test("failed runs are found by their error, and a missing value says why", async ({ page }) => {
  await open(page, "/results");
  await page.getByRole("textbox", { name: "Search" }).fill("out of memory");
  await expect(count(page)).toHaveText("6 runs");
  const missing = rows(page)
    .first()
    .getByRole("img", { name: "missing: CUDA out of memory: tried to allocate 16.00 GiB" });
  await expect(missing.first()).toHaveText("–");
});

test("a group tells n, mean, interval, standard deviation and variation", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("tab", { name: "Groups" }).click();
  const group = page
    .getByRole("table", { name: "Statistics of groups" })
    .getByRole("row", { name: /batch_size-8/ });
  await expect(group.getByRole("cell").nth(3)).toHaveText("6");
  await expect(group.getByRole("cell").nth(4)).toHaveText(/^1\.\d+ ± 0\.\d+.*SD 0\.\d+ · CV 0\.\d+/);
});

test("one run alone has no spread, and the group says so", async ({ page }) => {
  await open(page, "/results?campaign=c-0001");
  await page.getByRole("tab", { name: "Groups" }).click();
  const group = page.getByRole("table", { name: "Statistics of groups" }).getByRole("row").nth(1);
  await expect(group.getByRole("cell").nth(3)).toContainText("1 ⚠");
  await expect(group).not.toContainText("±");
});

test("groups can be chosen and compared", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("tab", { name: "Groups" }).click();
  for (const batch of ["batch_size-1", "batch_size-8"]) {
    await page.getByRole("checkbox", { name: `Compare pytorch_Llama-3.1-8B_${batch}` }).click();
  }
  await page.getByRole("button", { name: "Compare 2" }).click();
  await expect(page.getByRole("heading", { name: "Compare", level: 1 })).toBeVisible();
  const differences = page.getByRole("table", { name: "Differences of the configurations" });
  await expect(differences.getByRole("row")).toHaveCount(2);
  await expect(differences).toContainText("batch_size");
});

test("a comparison draws bars and the front, and a figure can be saved", async ({ page }) => {
  await open(page, comparing(BATCH_1, BATCH_8, BATCH_32));
  const bars = page.getByRole("img", { name: /Energy per output token, J\/token\. pytorch/ });
  await expect.poll(() => bars.locator("svg path").count()).toBeGreaterThan(6);
  await expect(
    page.getByRole("img", { name: /On the Pareto front: pytorch_Llama-3.1-8B_batch_size-32/ }),
  ).toBeVisible();
  await page.getByRole("button", { name: "Save the figure: Energy against speed" }).click();
  await page.getByRole("menuitem", { name: "SVG" }).click();
  await expect
    .poll(() => lastCall(page, "saveFigure"))
    .toEqual(["Energy against speed", "svg", expect.stringContaining("<svg")]);
});

for (const { word, run, reference, search } of [
  { word: "estimated", run: "c-0002-1-1", reference: ESTIMATED, search: "quickstart" },
  { word: "simulated", run: "c-0001-1-1", reference: SIMULATED, search: "simulated" },
]) {
  test(`an energy that is ${word} says so in the table, in groups, in a comparison and on its own`, async ({
    page,
  }) => {
    await open(page, "/results");
    await page.getByRole("textbox", { name: "Search" }).fill(search);
    await expect(rows(page).first().getByRole("cell").getByText(word, { exact: true })).toHaveCount(3);
    await page.getByRole("tab", { name: "Groups" }).click();
    const group = page.getByRole("table", { name: "Statistics of groups" }).getByRole("row").nth(1);
    await expect(group.getByText(word, { exact: true })).toHaveCount(4);
    await open(page, `/results/run/${run}`);
    for (const label of ["Energy of the window", "Per output token", "Mean power"]) {
      await expect(page.getByText(label, { exact: true }).first().locator("..")).toContainText(word);
    }
    await expect(page.getByRole("table", { name: "Phases" }).getByRole("row").last()).toContainText(word);
    await expect(page.getByRole("table", { name: "Devices" }).getByRole("row").last()).toContainText(word);
    await open(page, comparing(reference, BATCH_1));
    const statistics = page.getByRole("table", { name: "Statistics of the experiments" }).getByRole("row");
    await expect(statistics.nth(1).getByText(word, { exact: true })).toHaveCount(4);
    await expect(statistics.nth(2).getByText(word, { exact: true })).toHaveCount(0);
    await expect(page.getByText(`Energy per output token, J/token, ${word}`).first()).toBeVisible();
  });
}

test("a run shows its trace with its phases, its requests and its configuration", async ({ page }) => {
  await open(page, "/results");
  await runs(page).getByRole("button", { name: "pytorch_Llama-3.1-8B_batch_size-8" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: /batch_size-8, cycle 6/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /Power over time\. NVIDIA H100 PCIe: \d+/ })).toBeVisible();
  await expect.poll(() => pixels(page.locator("main canvas").first(), FIRST_DEVICE)).toBeGreaterThan(100);
  await expect(page.getByRole("table", { name: "Phases" })).toContainText("measured window");
  await expect(page.getByRole("table", { name: "Quantiles of the requests" })).toContainText(
    "Time to first token",
  );
  await page.getByRole("button", { name: /^Configuration/ }).click();
  await expect(page.getByRole("table", { name: "Configuration" })).toContainText("batch_size");
});

test("deleting runs asks first", async ({ page }) => {
  await open(page, "/results?campaign=c-0002");
  await expect(count(page)).toHaveText("4 runs");
  await rows(page).first().getByRole("checkbox").click();
  const ask = () =>
    page.getByRole("toolbar", { name: "Selected runs" }).getByRole("button", { name: "Delete" }).click();
  await ask();
  await page.getByRole("dialog").getByRole("button", { name: "Keep" }).click();
  await expect(count(page)).toHaveText("4 runs");
  await ask();
  await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
  await expect(count(page)).toHaveText("3 runs");
});

test("deleting a campaign asks first, and leads back to what is left", async ({ page }) => {
  await open(page, "/results?campaign=c-0002");
  await page.getByRole("button", { name: "Delete campaign" }).click();
  await page
    .getByRole("dialog", { name: "Delete quickstart?" })
    .getByRole("button", { name: "Delete for good" })
    .click();
  await expect(count(page)).toHaveText("30 runs");
});

test("an export is of what is in view, in its order", async ({ page }) => {
  await open(page, "/results");
  await choose(page, "Backend", "candle");
  await runs(page).getByRole("columnheader", { name: "Energy, J" }).getByRole("button").click();
  await expect(count(page)).toHaveText("6 runs");
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "CSV" }).click();
  await expect(page.getByText("/home/ada/energy/llama/results/export.csv")).toBeVisible();
  const [query, format] = (await lastCall(page, "exportResults")) as [ResultQuery, string];
  expect(format).toBe("csv");
  expect(query).toMatchObject({ backends: ["candle"], sort: "energy_j", descending: true, runs: [] });
});

test("a hundred thousand rows: the first is there, and so is the last", async ({ page }) => {
  await open(page, "/results", { fake: "many" });
  await expect(count(page)).toHaveText("100,000 runs");
  await expect(rows(page).first()).toHaveAttribute("aria-rowindex", "2");
  await expect(rows(page).first()).toContainText("max_input_tokens-4000");
  expect(await rows(page).count()).toBeLessThan(80);
  await page
    .getByRole("region", { name: "Runs" })
    .evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));
  const last = runs(page).locator("[aria-rowindex='100001']");
  await expect(last).toBeInViewport();
  await expect(last).toContainText("max_input_tokens-8");
});
