// The file of an external power meter, brought beside one run or all runs of a campaign.
import { expect, test, type Page } from "@playwright/test";

import { lastCall, open } from "./app";
import { importToRun, RUN } from "./meter";

const dialog = (page: Page) => page.getByRole("dialog");

test("a run's meter stands in a card of its own, its line among the traces, and can be removed", async ({
  page,
}) => {
  await open(page, `/results/run/${RUN}`);
  await importToRun(page, { accuracy: "1" });
  const [target, options] = (await lastCall(page, "importMeter")) as [unknown, Record<string, unknown>];
  expect(target).toEqual({ run: RUN });
  expect(options).toMatchObject({ alignment: "clock", accuracy_percent: 1, replace: false });
  const meter = page.getByRole("table", { name: "External power meter" });
  await expect(meter).toContainText("wall.csv");
  await expect(meter).toContainText("as stated");
  await expect(page.getByText("Accuracy as stated: 1 % of a reading.")).toBeVisible();
  await expect(page.getByRole("img", { name: /Power over time\..*wall: \d+/ })).toBeVisible();
  await page.getByRole("button", { name: "Remove" }).click();
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("No meter saw this run.")).toBeVisible();
});

test("aligned by power the error of the clock is not asked for, and the offset that was found is told", async ({
  page,
}) => {
  await open(page, `/results/run/${RUN}`);
  await page.getByRole("button", { name: "Import readings…" }).click();
  await dialog(page).getByText("By its power").click();
  await expect(dialog(page).getByRole("textbox", { name: "Clock error, s" })).toBeDisabled();
  await dialog(page).getByRole("button", { name: "Choose the file…" }).click();
  await expect(dialog(page).getByRole("table", { name: "Imported runs" })).toContainText("-2.75 ± 0.5");
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("table", { name: "External power meter" })).toContainText("found by its power");
});

test("a file that cannot be read leaves the form as it was filled in, with what to do", async ({ page }) => {
  await open(page, `/results/run/${RUN}`);
  await page.getByRole("button", { name: "Import readings…" }).click();
  await dialog(page).getByRole("button", { name: "Columns and times of the file" }).click();
  const column = dialog(page).getByRole("textbox", { name: "Column of power" });
  await column.fill("missing");
  await dialog(page).getByRole("button", { name: "Choose the file…" }).click();
  await expect(dialog(page).getByRole("alert")).toContainText("wall.csv: no line names a column");
  await expect(dialog(page).getByRole("alert")).toContainText("as they are written in the file");
  await expect(column).toHaveValue("missing");
});

test("a campaign's file says of each run whether it reached it, and becomes a column of the table", async ({
  page,
}) => {
  await open(page, "/results?campaign=c-0003");
  await page.getByRole("button", { name: "Import meter" }).click();
  await dialog(page).getByRole("button", { name: "Choose the file…" }).click();
  const imported = dialog(page).getByRole("table", { name: "Imported runs" });
  await expect(imported.getByRole("row").nth(1)).toContainText("not imported: the file covers");
  await expect(imported.getByRole("row").nth(2)).toContainText("±");
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Choose columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "By the meter, J" }).click();
  await page.keyboard.press("Escape");
  const runs = page.getByRole("table", { name: "Runs" });
  await expect(runs.getByRole("columnheader", { name: "By the meter, J" })).toBeVisible();
});
