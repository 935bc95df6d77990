// The campaign builder: form, text and plan say the same, and nothing that was written is lost.
import { expect, test, type Page } from "@playwright/test";

import { fake, open, ready } from "./app";

const BATCHES = "campaigns/batch-sweep.yaml";
const edit = (path: string) => `/campaigns/edit?path=${encodeURIComponent(path)}`;

async function view(page: Page, name: "Form" | "YAML") {
  await page.getByRole("radiogroup", { name: "View" }).getByText(name).click();
}

async function text(page: Page): Promise<string> {
  await view(page, "YAML");
  await page.locator(".cm-content").waitFor();
  return (await page.locator(".cm-line").allTextContents()).join("\n");
}

async function write(page: Page, all: string) {
  await view(page, "YAML");
  await page.getByRole("textbox", { name: "Campaign as YAML" }).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(all);
}

/** Fills a field and leaves it, so that it is taken over. */
async function fill(page: Page, label: string, value: string) {
  const field = page.getByRole("textbox", { name: label, exact: true });
  await field.fill(value);
  await field.blur();
}

test("a backend that cannot be used is there, disabled, with its reason", async ({ page }) => {
  await open(page, edit(BATCHES));
  const tensorrt = page.getByRole("checkbox", { name: "tensorrt" });
  await expect(tensorrt).toBeDisabled();
  await expect(tensorrt).toHaveAccessibleDescription(/the compose file has no service `tensorrt`/);
  const vllm = page.getByRole("checkbox", { name: "vllm" });
  await expect(vllm).toBeDisabled();
  await expect(vllm).toHaveAccessibleDescription(/its image is not built.*docker compose build vllm/);
  await expect(page.getByRole("checkbox", { name: "pytorch" })).toBeChecked();
});

test("without Docker no backend in a container can be chosen, and the form says why", async ({ page }) => {
  await open(page, edit("campaigns/engines.yaml"), { fake: "no-docker" });
  await expect(page.getByRole("checkbox", { name: "candle" })).toBeDisabled();
  await expect(page.getByRole("checkbox", { name: "candle" })).toHaveAccessibleDescription(/not reachable/);
});

test("a changed field changes its place in the YAML and nothing else", async ({ page }) => {
  await open(page, edit(BATCHES));
  const before = (await fake(page, (handle, path) => handle.campaign(path), BATCHES)) ?? "";
  await fill(page, "Cycles", "5");
  expect((await text(page)).trimEnd()).toBe(before.replace("cycles: 4", "cycles: 5").trimEnd());
});

test("what is written as YAML is in the form", async ({ page }) => {
  await open(page, edit(BATCHES));
  await write(
    page,
    "campaign_name: by hand\ngrid: {backends: [candle], models: [m]}\nexecution: {cycles: 7}\n",
  );
  await view(page, "Form");
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("by hand");
  await expect(page.getByRole("textbox", { name: "Cycles" })).toHaveValue("7");
  await expect(page.getByRole("checkbox", { name: "candle" })).toBeChecked();
});

test("YAML that cannot be read disables the form and names the line", async ({ page }) => {
  await open(page, edit(BATCHES));
  await write(page, "campaign_name: fine\ngrid: [\n");
  await view(page, "Form");
  await expect(page.getByText(/Line [23] of the YAML cannot be read/)).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Save and start" })).toBeDisabled();
});

test("a gap shows its value with its source, and the default comes back", async ({ page }) => {
  await open(page, edit(BATCHES));
  await expect(page.getByText("45 s in force")).toBeVisible();
  await expect(page.getByText(".lem-config.yaml, line 7")).toBeVisible();
  await fill(page, "Between experiments of a cycle", "10");
  await expect(page.getByText("10 s in force")).toBeVisible();
  await expect(page.getByText(/campaign file, line \d+/)).toBeVisible();
  await page.getByRole("button", { name: "use the default" }).click();
  await expect(page.getByText("45 s in force")).toBeVisible();
  expect(await text(page)).not.toContain("config_gap_seconds");
});

test("a problem leads to its field", async ({ page }) => {
  await open(page, edit("campaigns/engines.yaml"));
  const problems = page.getByRole("list", { name: "Problems" });
  await expect(problems).toContainText("backend `tensorrt` has no service to run in");
  await problems.getByRole("button", { name: "runner.tensorrt" }).click();
  await expect(page.locator("#field-runner")).toBeFocused();
});

test("a problem with a swept value leads to it", async ({ page }) => {
  await open(page, edit(BATCHES));
  await write(
    page,
    "campaign_name: x\ngrid: {backends: [candle], models: [m]}\nrunner: process\nexecution: {cycles: 0}\n",
  );
  await view(page, "Form");
  await page
    .getByRole("list", { name: "Problems" })
    .getByRole("button", { name: /line 4/ })
    .click();
  await expect(page.getByRole("textbox", { name: "Cycles" })).toBeFocused();
});

test("a plan that cannot run cannot be started", async ({ page }) => {
  await open(page, edit("campaigns/engines.yaml"));
  await expect(page.getByRole("list", { name: "Problems" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeDisabled();
});

test("the plan tells runs, waiting and what history knows, with its provenance", async ({ page }) => {
  await open(page, edit("campaigns/quickstart.yaml"));
  const size = page.getByRole("status", { name: "Size of the campaign" });
  await expect(size).toContainText(/Runs\s*4/);
  await expect(size).toContainText(/Energy, from history.*kJ.*estimated/s);
  await expect(page.getByRole("img", { name: /Timeline of 4 runs/ })).toBeVisible();
});

test("starting saves what was changed, and starts that", async ({ page }) => {
  await open(page, edit("campaigns/quickstart.yaml"));
  await fill(page, "Cycles", "3");
  await page.getByRole("button", { name: "Save and start" }).click();
  await expect(page.getByRole("heading", { level: 2, name: /run 1 of 6/ })).toBeVisible();
  const saved = await fake(page, (handle) => handle.campaign("campaigns/quickstart.yaml"));
  expect(saved).toContain("cycles: 3");
});

test("a campaign that fails to start says why and what to do", async ({ page }) => {
  await open(page, edit("campaigns/fail-start.yaml"));
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const notice = page.getByRole("alert");
  await expect(notice).toContainText("the worker of candle ended before it said ready");
  await expect(notice).toContainText("see the log of the worker");
});

test("a file that someone else changed is not overwritten without a word", async ({ page }) => {
  await open(page, edit(BATCHES));
  await fill(page, "Cycles", "5");
  await fake(page, (handle, path) => handle.writeCampaign(path, "campaign_name: of someone else\n"), BATCHES);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "The file was changed by someone else" });
  await expect(dialog).toContainText("nothing was written");
  expect(await fake(page, (handle, path) => handle.campaign(path), BATCHES)).toBe(
    "campaign_name: of someone else\n",
  );
  await dialog.getByRole("button", { name: "Keep my text" }).click();
  await expect(page.getByRole("textbox", { name: "Cycles" })).toHaveValue("5");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Campaign saved")).toBeVisible();
  expect(await fake(page, (handle, path) => handle.campaign(path), BATCHES)).toContain("cycles: 5");
});

test("leaving with changes asks, and staying keeps them", async ({ page }) => {
  await open(page, edit(BATCHES));
  await fill(page, "Cycles", "5");
  await page.getByRole("link", { name: "Bench" }).click();
  await page.getByRole("button", { name: "Stay" }).click();
  await expect(page.getByRole("textbox", { name: "Cycles" })).toHaveValue("5");
  await page.getByRole("link", { name: "Bench" }).click();
  await page.getByRole("button", { name: "Leave without saving" }).click();
  await expect(page.getByRole("heading", { name: "Bench", level: 1 })).toBeVisible();
});

test("a new campaign is saved under a name of its own, and is in the list then", async ({ page }) => {
  await open(page, "/campaigns");
  await page.getByRole("button", { name: "New campaign" }).click();
  await ready(page);
  await fill(page, "Name", "My first one");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Campaign saved")).toBeVisible();
  await page.getByRole("link", { name: "Campaigns" }).click();
  await expect(page.getByRole("table", { name: "Campaign files" })).toContainText(
    "campaigns/my-first-one.yaml",
  );
});

test("an imported campaign keeps keys that nobody here knows", async ({ page }) => {
  await open(page, "/campaigns");
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("imported from elsewhere");
  await expect(page.getByRole("list", { name: "Problems" })).toContainText("`operator` is not a known key");
  expect(await text(page)).toContain("operator: someone else");
});
