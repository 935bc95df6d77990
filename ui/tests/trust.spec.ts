// What lets a number be defended: grades and the checks behind them, baselines, derived values, the report of a campaign,
// and pairs. Numbers are compared with those of the fake host, which computes them from its rows.
import { expect, test, type Page } from "@playwright/test";

import type { CampaignReport, ResultRow, RunDetail } from "../src/api/bindings";
import { BATCH_1, BATCH_8, comparing, ESTIMATED, fake, lastCall, open } from "./app";

const runs = (page: Page) => page.getByRole("table", { name: "Runs" });
const rows = (page: Page) => runs(page).locator("[aria-rowindex]:not([aria-rowindex='1'])");
const table = (page: Page, name: string) => page.getByRole("table", { name, exact: true });

/** What the fake host answers, asked past the page. */
const answer = <T>(page: Page, command: string, argument: string) =>
  page.evaluate(([name, given]) => window.__fake?.ask(name as never, given as never), [
    command,
    argument,
  ] as const) as Promise<T>;

test.describe("grades", () => {
  test("stand in the table with letter, word and meaning, and sort, the worst first", async ({ page }) => {
    await open(page, "/results?campaign=c-0003");
    const heading = runs(page).getByRole("columnheader", { name: "Grade" });
    await heading.getByRole("button").click();
    await expect(heading).toHaveAttribute("aria-sort", "descending");
    await expect(
      rows(page)
        .first()
        .getByRole("img", { name: /^invalid: figures of the run/ }),
    ).toBeVisible();
    await heading.getByRole("button").click();
    const best = rows(page)
      .first()
      .getByRole("img", { name: /^grade A/ });
    await expect(best).toHaveText("Apassed");
    await expect(best).toHaveAttribute("title", "grade A: every check that could be made passed");
  });

  test("of runs that failed are missing, with the reason", async ({ page }) => {
    await open(page, "/results");
    await page.getByRole("textbox", { name: "Search" }).fill("out of memory");
    await expect(rows(page)).toHaveCount(6);
    await expect(
      rows(page)
        .first()
        .getByRole("img", { name: /missing: CUDA out of memory/ })
        .first(),
    ).toBeVisible();
    await expect(
      rows(page)
        .first()
        .getByRole("img", { name: /^grade/ }),
    ).toHaveCount(0);
  });

  test("stand beside the title of a run, with the sentences that they rest on", async ({ page }) => {
    await open(page, "/results/run/c-0003-9-1");
    const grade = page.getByRole("note", { name: "Grade" });
    await grade.focus();
    const tip = page.getByRole("tooltip");
    await expect(tip).toContainText("Process 31407 used NVIDIA H100 PCIe too, and its energy is counted.");
    await expect(tip).toContainText("The environment has changed: ");
  });
});

test("energy of all tokens and above the baseline are columns that can be chosen, and sort", async ({
  page,
}) => {
  await open(page, "/results?campaign=c-0003");
  for (const [heading, sort] of [
    ["mJ/all tokens", "joules_per_token"],
    ["Above baseline, J", "adjusted_energy_j"],
  ] as const) {
    await expect(runs(page).getByRole("columnheader", { name: heading })).toHaveCount(0);
    await page.getByRole("button", { name: "Choose columns" }).click();
    await page.getByRole("menuitemcheckbox", { name: heading }).click();
    await page.keyboard.press("Escape");
    await runs(page).getByRole("columnheader", { name: heading }).getByRole("button").click();
    await expect
      .poll(() => lastCall(page, "results"))
      .toEqual([expect.objectContaining({ sort, descending: true })]);
  }
  await expect(rows(page).first()).toContainText(/\d \(bare\)/);
});

test("the checks of a run: the worst first, with value, limits and why; the others are folded", async ({
  page,
}) => {
  await open(page, "/results/run/c-0003-9-1");
  const notPassed = table(page, "Checks that did not pass");
  await expect(notPassed.getByRole("row").nth(1)).toContainText("invalid");
  await expect(notPassed.getByRole("row").last()).toContainText("unknown");
  await expect(notPassed).toContainText("Process 31407 used NVIDIA H100 PCIe too");
  await expect(notPassed).toContainText("none; warn if all are idle (below 1 %)");
  const { quality } = await answer<RunDetail>(page, "result", "c-0003-9-1");
  const passed = quality?.checks.filter(({ verdict }) => verdict === "pass").length ?? 0;
  expect(passed).toBeGreaterThan(3);
  const fold = page.getByRole("button", { name: `${passed} checks passed` });
  await fold.focus();
  await page.keyboard.press("Enter");
  await expect(table(page, "Checks that passed").getByRole("row")).toHaveCount(passed + 1);
});

test("baselines: the chosen one is marked, and energy that is withheld says why", async ({ page }) => {
  await open(page, "/results/run/c-0003-6-1");
  const bare = table(page, "Baselines").getByRole("row", { name: /^bare/ });
  await expect(bare).toContainText("chosen");
  await expect(bare).toContainText("withheld: the baseline drifted by 11.8 %, more than 10.0 %");
  await expect(page.getByText("Above the bare baseline: withheld, the baseline drifted")).toBeVisible();
  await expect(table(page, "Baselines").getByRole("row", { name: /^loaded/ })).not.toContainText("chosen");
});

test("energy as measured stands first, energy above a baseline below it and with its name", async ({
  page,
}) => {
  await open(page, "/results/run/c-0003-1-1");
  const first = await page.getByText("Energy of the window", { exact: true }).boundingBox();
  const second = await page.getByText(/^Above the bare baseline:/).boundingBox();
  expect(first?.y ?? 0).toBeLessThan(second?.y ?? 0);
});

test("derived values: those of a model say so, a missing one says why, the formula is a key away", async ({
  page,
}) => {
  await open(page, "/results/run/c-0003-1-1");
  const derived = table(page, "Derived values");
  const row = (name: RegExp) => derived.getByRole("row").filter({ hasText: name });
  await expect(row(/^Model FLOPs utilization/)).toContainText("model, not measured");
  await expect(row(/^Model bandwidth utilization/)).toContainText("model, not measured");
  await expect(row(/^Carbon/)).toContainText("the setting carbon_intensity_gco2_kwh is not set");
  await expect(row(/^Carbon/)).not.toContainText("model, not measured");
  await derived.getByRole("note").filter({ hasText: "Model FLOPs utilization (MFU)" }).focus();
  await expect(page.getByRole("tooltip")).toContainText(
    "operations of weights / window / sum of the GPUs' dense peaks",
  );
});

test("carbon and cost are there when the settings are, with the uncertainty of the energy", async ({
  page,
}) => {
  await open(page, "/results");
  await fake(page, (handle) =>
    handle.writeSettings(
      "footprint: {carbon_intensity_gco2_kwh: 400, datacenter_pue: 1.2, price_per_kwh: 0.3}\n",
    ),
  );
  await runs(page).getByRole("button", { name: "pytorch_Llama-3.1-8B_batch_size-8" }).first().click();
  const carbon = table(page, "Derived values")
    .getByRole("row")
    .filter({ hasText: /^Carbon/ });
  await expect(carbon).toContainText(/\d ± [\d.]+\sm?gCO2e/);
  await expect(
    table(page, "Derived values")
      .getByRole("row")
      .filter({ hasText: /^Cost of the devices/ }),
  ).toContainText("the setting device_price_per_hour is not set");
});

test("derived values of an estimated energy carry its mark", async ({ page }) => {
  await open(page, "/results/run/c-0002-1-1");
  const row = (name: RegExp) => table(page, "Derived values").getByRole("row").filter({ hasText: name });
  await expect(row(/^Operations per joule/)).toContainText("estimated");
  await expect(row(/^Operations per second/)).not.toContainText("estimated");
  await expect(row(/^Model FLOPs utilization/)).toContainText(
    "the model ran on no GPU, or on which is not known",
  );
});

test("what was around a run is told: the gap, what had changed, and who else was there", async ({ page }) => {
  await open(page, "/results/run/c-0003-9-1");
  await expect(table(page, "Gap before the run")).toContainText("its time was over");
  await expect(
    page.getByRole("listitem").filter({ hasText: /facts\.power_limit_w is 300, was 350$/ }),
  ).toBeVisible();
  await expect(table(page, "Other processes")).toContainText("python3 (31407)");
  await expect(table(page, "Other processes")).toContainText("NVIDIA H100 PCIe");
});

test("a report: statistics and grades of each experiment as the engine has them", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("tab", { name: "Report" }).click();
  const { experiments } = await answer<CampaignReport>(page, "campaignReport", "c-0003");
  const one = experiments.find(({ quality }) => quality.experiment.endsWith("batch_size-8"));
  const row = table(page, "Experiments of the campaign").getByRole("row", { name: /batch_size-8/ });
  await expect(row.getByRole("cell").nth(1)).toHaveText("6");
  await expect(row.getByRole("cell").nth(3)).toContainText(
    one?.joules_per_output_token?.mean.toFixed(4) ?? "?",
  );
  await expect(row.getByRole("cell").nth(5)).toContainText(one?.bootstrap?.low.toFixed(4) ?? "?");
  await expect(row.getByRole("list", { name: "Grades" }).getByRole("img")).toHaveCount(
    one?.grades.length ?? 0,
  );
  const failed = table(page, "Experiments of the campaign").getByRole("row", { name: /batch_size-64/ });
  await expect(failed.getByRole("img", { name: "missing: no completed run", exact: true })).toHaveText("–");
});

test("a report draws energy against temperature and order, with slope, interval and p", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("tab", { name: "Report" }).click();
  const chart = page.getByRole("img", { name: /^Against the start temperature\. [+−].*\s% for each °C/ });
  await expect.poll(() => chart.locator("svg path").count()).toBeGreaterThan(6);
  await expect(
    page.getByText(/^[+−][\d.]+\s% for each run \(95 % interval .*\), p.* n = 6\s*$/),
  ).toBeVisible();
  await page.getByRole("combobox", { name: "Experiment" }).click();
  await page.getByRole("option", { name: /batch_size-32/ }).click();
  await expect(page.getByRole("combobox", { name: "Experiment" })).toHaveValue(/batch_size-32/);
  await page.getByRole("button", { name: "Save the figure: Against the position in the campaign" }).click();
  await page.getByRole("menuitem", { name: "SVG" }).click();
  await expect.poll(async () => (await lastCall(page, "saveFigure"))?.[1]).toBe("svg");
});

test("a run that stands out is flagged, counts, and leads to its page", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("tab", { name: "Report" }).click();
  const row = table(page, "Experiments of the campaign").getByRole("row", { name: /batch_size-1 / });
  await expect(row.getByRole("cell").nth(1)).toHaveText("6");
  await expect(page.getByText(/^Triangles stand out: cycle 4\. They count like any other run/)).toBeVisible();
  await expect(table(page, "Checks that did not pass")).toContainText("Flagged, and kept: c-0003-12-1.");
  await row.getByRole("link", { name: "cycle 4" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /batch_size-1, cycle 4/ })).toBeVisible();
});

test("too few runs have no interval and no chart but the sentence why, and a simulation says so", async ({
  page,
}) => {
  await open(page, "/results?campaign=c-0001");
  await page.getByRole("tab", { name: "Report" }).click();
  const row = table(page, "Experiments of the campaign").getByRole("row").nth(1);
  await expect(row.getByText("simulated", { exact: true })).toHaveCount(2);
  await expect(row.getByRole("img", { name: "missing: an interval takes two runs or more" })).toBeVisible();
  await expect(row.getByRole("img", { name: "missing: a flag takes three runs or more" })).toBeVisible();
  await expect(
    page.getByText("1 run has joules per token and a start temperature: a slope takes three or more."),
  ).toBeVisible();
  await expect(page.getByRole("img", { name: /^Against/ })).toHaveCount(0);
  await page.getByRole("button", { name: /^\d+ not known$/ }).click();
  await expect(table(page, "Checks that are not known")).toContainText("It takes two runs or more");
});

test("a report that fails says what happened, and is asked for again", async ({ page }) => {
  await open(page, "/results?campaign=c-0003");
  await fake(page, (handle) => handle.refuse("campaignReport"));
  await page.getByRole("tab", { name: "Report" }).click();
  const alert = page.getByRole("main").getByRole("alert");
  await expect(alert).toContainText("campaignReport: the results database is locked");
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(alert).toContainText("campaignReport");
});

test("experiments of one campaign are paired by cycle; others say why not", async ({ page }) => {
  await open(page, comparing(BATCH_1, BATCH_8, ESTIMATED));
  const pairs = page.getByRole("table", { name: /^Paired with .*batch_size-1$/ });
  const row = pairs.getByRole("row", { name: /batch_size-8/ });
  await expect(row).toContainText(/\d\s% less energy for each output token/);
  await expect(row.getByRole("cell").nth(5)).toHaveText("6");
  await expect(
    page.getByText(/^Not paired: candle_llama-15m.*two or more cycles that both have completed/),
  ).toBeVisible();
  await expect(page.getByText(/Values are paired by cycle/)).toBeVisible();
});

test("a row and its page agree on the grade", async ({ page }) => {
  await open(page, "/results/run/c-0003-6-1");
  const detail = await answer<RunDetail & ResultRow>(page, "result", "c-0003-6-1");
  expect(detail.grade).toBe(detail.quality?.grade);
  await expect(page.getByRole("note", { name: "Grade" })).toContainText("C");
});
