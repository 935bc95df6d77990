// The parts of the builder about rest and repetition: how gaps end, the baseline, and when there are cycles enough.
import { expect, test, type Page } from "@playwright/test";

import { fake, open } from "./app";

const BATCHES = "campaigns/batch-sweep.yaml";
const KNOWN = "campaigns/known.yaml";
const edit = (path: string) => `/campaigns/edit?path=${encodeURIComponent(path)}`;

async function text(page: Page): Promise<string> {
  await page.getByRole("radiogroup", { name: "View" }).getByText("YAML").click();
  await page.locator(".cm-content").waitFor();
  const all = (await page.locator(".cm-line").allTextContents()).join("\n");
  await page.getByRole("radiogroup", { name: "View" }).getByText("Form").click();
  return all.trimEnd();
}

async function written(page: Page, path: string): Promise<string> {
  return ((await fake(page, (handle, of) => handle.campaign(of), path)) ?? "").trimEnd();
}

async function fill(page: Page, label: string, value: string) {
  const field = page.getByRole("textbox", { name: label, exact: true });
  await field.fill(value);
  await field.blur();
}

const mode = (page: Page) => page.getByRole("radiogroup", { name: "How a gap ends" });
const baseline = (page: Page) => page.getByRole("radiogroup", { name: "Baseline" });
const size = (page: Page) => page.getByRole("status", { name: "Size of the campaign" });
const section = (page: Page, name: string) => page.getByRole("group", { name, exact: true });
const rule = (page: Page, name: string) =>
  page.getByRole("table", { name: "Rules of the plan" }).getByRole("row", { name: new RegExp(`^${name}`) });

test("what is not written shows what is built in, and what is written its line", async ({ page }) => {
  await open(page, edit(BATCHES));
  await expect(mode(page).getByRole("radio", { name: /^fixed/ })).toBeChecked();
  await expect(mode(page)).toHaveAccessibleDescription("built in");
  await expect(baseline(page).getByRole("radio", { name: /^off/ })).toBeChecked();
  await open(page, edit(KNOWN));
  await expect(mode(page).getByRole("radio", { name: /^adaptive/ })).toBeChecked();
  await expect(mode(page)).toHaveAccessibleDescription("campaign file, line 19");
  await expect(page.getByText(/^4.min 00.s in force$/).locator("..")).toContainText("campaign file, line 20");
  await expect(page.getByText(/^10.s in force$/).locator("..")).toContainText("built in");
  await expect(page.getByText(/^2.°C in force$/).locator("..")).toContainText("campaign file, line 21");
  await expect(page.getByText("fresh in force")).toBeVisible();
});

test("adaptive gaps are planned at their most, and only their own values are shown", async ({ page }) => {
  await open(page, edit(BATCHES));
  const before = await written(page, BATCHES);
  await mode(page)
    .getByRole("radio", { name: /^adaptive/ })
    .click();
  await expect(page.getByRole("textbox", { name: "Between experiments of a cycle" })).toHaveCount(0);
  await fill(page, "A gap lasts at most", "120");
  await expect(size(page)).toContainText(/Waiting, at most22.min/);
  await expect(size(page)).toContainText(/Runs12/);
  await expect(page.getByRole("img", { name: /Timeline of 12 runs, at most 22.min/ })).toBeVisible();
  await expect(rule(page, "Gaps")).toContainText("one before the first run too");
  expect(await text(page)).toBe(`${before}\nthermal:\n  mode: adaptive\n  max_seconds: 120`);
  await mode(page).getByRole("radio", { name: /^hot/ }).click();
  await expect(page.getByRole("textbox", { name: "Warm-up lasts at most" })).toHaveValue("120");
  await expect(size(page)).toContainText(/Waiting0.s/);
});

test("a tolerance comes back to its default", async ({ page }) => {
  await open(page, edit(KNOWN));
  await page
    .getByText(/^2.°C in force$/)
    .locator("..")
    .getByRole("button", { name: "use the default" })
    .click();
  await expect(page.getByText(/^3.°C in force$/)).toBeVisible();
  expect(await text(page)).not.toContain("tolerance_c");
});

test("cycles until an experiment is known are edited in their place", async ({ page }) => {
  await open(page, edit(KNOWN));
  const before = await written(page, KNOWN);
  await expect(page.getByRole("textbox", { name: "Cycles at least" })).toHaveValue("3");
  await fill(page, "Until the 95 % interval is within ±", "1.5");
  expect(await text(page)).toBe(before.replace("target_ci_percent: 2", "target_ci_percent: 1.5"));
  await fill(page, "Until the 95 % interval is within ±", "");
  await expect(page.getByRole("textbox", { name: "Until the 95 % interval is within ±" })).toHaveValue("1.5");
  await expect(size(page)).toContainText("Runs, at most12");
  await expect(rule(page, "Runs")).toContainText(/until its 95 % interval is within ±1.5.% of the mean/);
});

test("switching to a number writes a plain number, and back what was there", async ({ page }) => {
  await open(page, edit(BATCHES));
  const before = await written(page, BATCHES);
  await page.getByText("Until it is known well enough").click();
  await expect(size(page)).toContainText("Runs, at most60");
  await fill(page, "Cycles at most", "8");
  await expect(size(page)).toContainText("Runs, at most24");
  expect(await text(page)).toBe(before.replace("cycles: 4", "cycles: {target_ci_percent: 2, max: 8}"));
  await page.getByText("A number of times").click();
  await expect(page.getByRole("textbox", { name: "Cycles", exact: true })).toHaveValue("5");
  await fill(page, "Cycles", "4");
  await page.getByText("Until it is known well enough").click();
  await expect(page.getByRole("textbox", { name: "Cycles at most" })).toHaveValue("8");
  await page.getByText("A number of times").click();
  await expect(page.getByRole("textbox", { name: "Cycles", exact: true })).toHaveValue("4");
  expect(await text(page)).toBe(before);
});

test("a number out of range leads to its field", async ({ page }) => {
  await open(page, edit(KNOWN));
  const problem = page.getByRole("list", { name: "Problems" });
  await fill(page, "Cycles at most", "2");
  await expect(problem).toContainText("`execution.cycles.max` is 2, but must be a whole number from 3");
  await problem.getByRole("button", { name: /line 15/ }).click();
  await expect(page.getByRole("textbox", { name: "Cycles at most" })).toBeFocused();
  await fill(page, "Cycles at most", "6");
  await fill(page, "A gap lasts at least", "900");
  await expect(problem).toContainText("`thermal.min_seconds` is more than `thermal.max_seconds`");
  await problem.getByRole("button", { name: /line \d+/ }).click();
  await expect(page.getByRole("textbox", { name: "A gap lasts at least", exact: true })).toBeFocused();
});

test("a baseline is switched on, kept while it is off, and switched on again", async ({ page }) => {
  await open(page, edit(BATCHES));
  const before = await written(page, BATCHES);
  await baseline(page)
    .getByRole("radio", { name: /^loaded/ })
    .click();
  await expect(page.getByText(/^30.s in force$/)).toBeVisible();
  await expect(page.getByText("validated in force")).toBeVisible();
  await fill(page, "Recorded for", "60");
  const on = `${before}\nmeasurement:\n  baseline:\n    kind: loaded\n    duration_seconds: 60`;
  expect(await text(page)).toBe(on);
  await expect(rule(page, "Baseline")).toContainText("its time comes on top");
  await baseline(page).getByRole("radio", { name: /^off/ }).click();
  await expect(page.getByRole("textbox", { name: "Recorded for" })).toHaveCount(0);
  expect(await text(page)).toBe(`${on}\n    enabled: false`);
  await baseline(page)
    .getByRole("radio", { name: /^loaded/ })
    .click();
  expect(await text(page)).toBe(on);
});

test("the plan says by which rules it is run", async ({ page }) => {
  await open(page, edit(BATCHES));
  await expect(rule(page, "Gaps")).toContainText(/fixed, 45.s within a cycle, 2.min 00.s where it changes/);
  await expect(rule(page, "Baseline")).toContainText("none");
  await expect(rule(page, "Runs")).toContainText("each experiment 4 times");
  await open(page, edit(KNOWN));
  await expect(rule(page, "Gaps")).toContainText(
    /adaptive, 10.s to 4.min 00.s, to within 2.°C of the first start/,
  );
  await expect(rule(page, "Baseline")).toContainText(/bare for 20.s, fresh before every run/);
  await expect(rule(page, "Runs")).toContainText(/within ±2.% of the mean, 3 to 6 times/);
});

test("what is in force is told while something else keeps the campaign from running", async ({ page }) => {
  await open(page, edit(KNOWN));
  await fill(page, "Name", "");
  await expect(page.getByRole("list", { name: "Problems" })).toContainText("`campaign_name` is missing");
  await expect(page.getByRole("table", { name: "Rules of the plan" })).toHaveCount(0);
  // The line of the name is gone.
  await expect(page.getByText(/^4.min 00.s in force$/).locator("..")).toContainText("campaign file, line 19");
  await expect(mode(page).getByRole("radio", { name: /^adaptive/ })).toBeChecked();
  await expect(section(page, "Execution").getByRole("textbox", { name: "Warm-up prompts" })).toHaveAttribute(
    "placeholder",
    "5",
  );
});

test("each strategy shows the values that act in it, with what is in force without them", async ({
  page,
}) => {
  await open(page, edit(BATCHES));
  const before = await written(page, BATCHES);
  await baseline(page).getByRole("radio", { name: /^bare/ }).click();
  const old = page.getByRole("textbox", { name: "Too old after" });
  const looks = page.getByRole("textbox", { name: "Looked at every" });
  const drift = page.getByRole("textbox", { name: "May be off by" });
  await expect(old).toHaveAttribute("placeholder", "7200");
  await expect(page.getByText(/^2.h 00.min in force$/).locator("..")).toContainText("built in");
  await expect(page.getByText("every 5 runs in force")).toBeVisible();
  await expect(page.getByText(/^10.% in force$/)).toBeVisible();
  await fill(page, "Too old after", "3600");
  await fill(page, "Looked at every", "1");
  await fill(page, "May be off by", "0.07");
  await expect(page.getByText(/^1.h 00.min in force$/).locator("..")).toContainText("campaign file");
  await expect(page.getByText("every run in force")).toBeVisible();
  await expect(page.getByText(/^7.% in force$/)).toBeVisible();
  await expect(rule(page, "Baseline")).toContainText("validated every run");
  expect(await text(page)).toBe(
    `${before}\nmeasurement:\n  baseline:\n    kind: bare\n    cache_ttl_seconds: 3600\n` +
      "    validation_interval: 1\n    drift_threshold: 0.07",
  );
  const strategy = page.getByRole("combobox", { name: "The bare one is taken anew" });
  await strategy.click();
  await page.getByRole("option", { name: /^cached/ }).click();
  await expect(old).toHaveValue("3600");
  await expect(looks).toHaveCount(0);
  await expect(drift).toHaveCount(0);
  await strategy.click();
  await page.getByRole("option", { name: /^fresh/ }).click();
  await expect(old).toHaveCount(0);
});

test("devices that stay hot have one bare baseline, and nothing to say of when it is taken anew", async ({
  page,
}) => {
  await open(page, edit(KNOWN));
  await mode(page).getByRole("radio", { name: /^hot/ }).click();
  await expect(page.getByText("the bare one is taken there, once")).toBeVisible();
  await expect(page.getByRole("combobox", { name: "The bare one is taken anew" })).toHaveCount(0);
  await expect(rule(page, "Baseline")).toContainText(/bare for 20.s, once/);
});

test("workers idle for a baseline of their own as long as it is recorded, unless the grid says", async ({
  page,
}) => {
  await open(page, edit(KNOWN));
  const before = await written(page, KNOWN);
  const idle = page.getByRole("textbox", { name: "Each worker idles for" });
  await expect(idle).toHaveCount(0);
  await baseline(page)
    .getByRole("radio", { name: /^loaded/ })
    .click();
  await expect(idle).toHaveAttribute("placeholder", "20");
  const force = section(page, "Measurement").getByText(/^20.s in force$/);
  // Of the length of the baseline and of what inherits it; only the first is written at its own place.
  await expect(force).toHaveCount(2);
  await expect(force.last().locator("..")).toContainText("campaign file, line 24");
  await expect(force.last().locator("..").getByRole("button", { name: "use the default" })).toHaveCount(0);
  await fill(page, "Each worker idles for", "8");
  await expect(section(page, "Parameters of all backends").getByText("idle_seconds")).toHaveCount(0);
  const shared = "    num_input_prompts: 100\n";
  expect(await text(page)).toBe(
    before
      .replace(shared, `${shared}    idle_seconds: 8\n`)
      .replace("strategy: fresh}", "strategy: fresh, kind: loaded}"),
  );
  await baseline(page)
    .getByRole("radio", { name: /^context/ })
    .click();
  await expect(page.getByRole("textbox", { name: "Each worker holds the device for" })).toHaveAttribute(
    "placeholder",
    "20",
  );
  // What was written for the other kind is a parameter as any other.
  await expect(section(page, "Parameters of all backends").getByText("idle_seconds")).toBeVisible();
});
