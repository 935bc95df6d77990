// The settings: what is in force and why, and a file in which nothing is lost.
import { expect, test, type Page } from "@playwright/test";

import { fake, open } from "./app";

const GAP = "thermal_gaps.between_experiments";

async function setGap(page: Page, seconds: string) {
  const field = page.getByRole("textbox", { name: GAP });
  await field.fill(seconds);
  await field.blur();
}

test("each setting shows its value, its default, its range and who set it", async ({ page }) => {
  await open(page, "/settings");
  const field = page.getByRole("textbox", { name: GAP });
  await expect(field).toHaveValue("45");
  await expect(field).toHaveAccessibleDescription(/0 or more seconds; default 60/);
  await expect(page.getByText(".lem-config.yaml, line 7")).toBeVisible();
});

test("saving shows the change first, and keeps comments and unknown keys", async ({ page }) => {
  await open(page, "/settings");
  const before = await fake(page, (handle) => handle.settings());
  await setGap(page, "30");
  await page.getByRole("button", { name: "Save …" }).click();
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes).toContainText("-  between_experiments: 45");
  await expect(changes).toContainText(
    "+  between_experiments: 30  # measured: the board is at 40 degrees by then",
  );
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Settings saved")).toBeVisible();
  expect(await fake(page, (handle) => handle.settings())).toBe(
    before.replace("between_experiments: 45", "between_experiments: 30"),
  );
  await expect(page.getByRole("button", { name: "Save …" })).toBeDisabled();
});

test("using the default takes the setting out of the file", async ({ page }) => {
  await open(page, "/settings");
  await page.getByRole("button", { name: `Use the default of ${GAP}` }).click();
  await expect(page.getByRole("textbox", { name: GAP })).toHaveValue("60");
  await page.getByRole("button", { name: "Save …" }).click();
  await expect(page.getByRole("region", { name: "Changes" })).toContainText("-  between_experiments: 45");
});

test("a value out of range is refused with what is right, and nothing changes", async ({ page }) => {
  await open(page, "/settings");
  await setGap(page, "-5");
  await expect(page.getByRole("alert").filter({ hasText: "must be 0 or more seconds" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Save …" })).toBeDisabled();
});

test("a file that someone else changed meanwhile is compared again before it is written", async ({
  page,
}) => {
  await open(page, "/settings");
  await setGap(page, "30");
  await fake(page, (handle) => handle.writeSettings(`${handle.settings()}results_dir: elsewhere\n`));
  await page.getByRole("button", { name: "Save …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  const question = page.getByRole("dialog", { name: "The file was changed by someone else" });
  await question.getByRole("button", { name: "Keep my text" }).click();
  await expect(page.getByRole("textbox", { name: GAP })).toHaveValue("30");
  await page.getByRole("button", { name: "Save …" }).click();
  await expect(page.getByRole("region", { name: "Changes" })).toContainText("-results_dir: elsewhere");
});

test("an invalid file is told with line and column, defaults are in force, and it stays as it is", async ({
  page,
}) => {
  await open(page, "/settings", { fake: "invalid-settings" });
  await expect(page.getByText("built-in values are in force")).toBeVisible();
  await expect(page.getByRole("list", { name: "Problems" })).toContainText(/line \d+, column \d+/);
  await expect(page.getByRole("textbox", { name: GAP })).toHaveValue("60");
  await expect(page.getByRole("textbox", { name: GAP })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Save …" })).toBeDisabled();
});

test("a file corrected as YAML can be saved", async ({ page }) => {
  await open(page, "/settings", { fake: "invalid-settings" });
  await page.getByRole("radiogroup", { name: "View" }).getByText("YAML").click();
  await page.getByRole("textbox", { name: ".lem-config.yaml" }).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText("thermal_gaps:\n  between_experiments: 20\n");
  await page.getByRole("button", { name: "Save …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Settings saved")).toBeVisible();
  expect(await fake(page, (handle) => handle.settings())).toBe("thermal_gaps:\n  between_experiments: 20\n");
});

const CARBON = "footprint.carbon_intensity_gco2_kwh";

test("a footprint is a number or nothing, and nothing is assumed", async ({ page }) => {
  await open(page, "/settings");
  await expect(page.getByRole("heading", { name: "Footprint" })).toBeVisible();
  await expect(page.getByText(/Nothing is assumed without them/)).toBeVisible();
  const field = page.getByRole("textbox", { name: CARBON });
  await expect(field).toHaveValue("");
  await expect(field).toHaveAccessibleDescription(
    /in gCO2e\/kWh; a finite number >= 0, or null; default none/,
  );
  await field.fill("380");
  await field.blur();
  await page.getByRole("button", { name: "Save …" }).click();
  await expect(page.getByRole("region", { name: "Changes" })).toContainText(
    "+  carbon_intensity_gco2_kwh: 380",
  );
  await page.getByRole("dialog").getByRole("button", { name: "Back" }).click();
  await field.fill("");
  await field.blur();
  await expect(field).toHaveValue("");
  await page.getByRole("button", { name: "Save …" }).click();
  await expect(page.getByRole("region", { name: "Changes" })).toContainText(
    "+  carbon_intensity_gco2_kwh: null",
  );
});

test("saving makes stale what was derived with the settings before", async ({ page }) => {
  await open(page, "/results/run/c-0003-1-1");
  const carbon = page
    .getByRole("table", { name: "Derived values" })
    .getByRole("row")
    .filter({ hasText: /^Carbon/ });
  await expect(carbon).toContainText("the setting carbon_intensity_gco2_kwh is not set");
  await page.getByRole("link", { name: "Settings" }).click();
  const field = page.getByRole("textbox", { name: CARBON });
  await field.fill("380");
  await field.blur();
  await page.getByRole("button", { name: "Save …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Settings saved")).toBeVisible();
  await page.goBack();
  await expect(carbon).toContainText(/\d ± [\d.]+\sm?gCO2e/);
});

test("a factor below 1 is refused with its range", async ({ page }) => {
  await open(page, "/settings");
  const field = page.getByRole("textbox", { name: "footprint.datacenter_pue" });
  await field.fill("0.8");
  await field.blur();
  await expect(
    page.getByRole("alert").filter({ hasText: "must be a finite number >= 1, or null, not 0.8" }),
  ).toBeVisible();
  await expect(page.getByRole("button", { name: "Save …" })).toBeDisabled();
});
