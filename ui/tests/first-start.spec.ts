// From nothing to a project.
import { expect, test } from "@playwright/test";

import { open } from "./app";

test("creating a project leads to the bench", async ({ page }) => {
  await open(page, "/", { fake: "first-start" });
  await expect(page.getByRole("heading", { name: "What does inference cost in energy?" })).toBeVisible();
  await page.getByRole("button", { name: "Create a project", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Bench", level: 1 })).toBeVisible();
  await expect(page.getByRole("button", { name: "Project new-project" })).toBeVisible();
});

test("a recent folder is opened with one click", async ({ page }) => {
  await open(page, "/welcome", { fake: "first-start" });
  await page.getByRole("button", { name: /^first-look/ }).click();
  await expect(page.getByRole("button", { name: "Project first-look" })).toBeVisible();
});

test("a folder that is gone says so and cannot be opened", async ({ page }) => {
  await open(page, "/welcome", { fake: "first-start" });
  await expect(page.getByRole("button", { name: /old \(not there any more\)/ })).toBeDisabled();
});

test("a forgotten folder is gone from the list, and only from there", async ({ page }) => {
  await open(page, "/welcome", { fake: "first-start" });
  await page.getByRole("button", { name: "Forget first-look" }).click();
  await expect(page.getByRole("button", { name: /^first-look/ })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^llama/ })).toBeVisible();
});

test("the bench offers to resume what was interrupted", async ({ page }) => {
  await open(page, "/bench", { speed: 20 });
  await page.getByRole("button", { name: "Resume night sweep" }).click();
  await expect(page.getByRole("heading", { name: "Live", level: 1 })).toBeVisible();
  await expect(
    page.getByRole("listitem").filter({ has: page.getByRole("button", { name: /completed/ }) }),
  ).toHaveCount(3);
});

test("what is missing on the machine is told with its remedy", async ({ page }) => {
  await open(page, "/bench", { fake: "no-docker" });
  await expect(page.getByText("sudo systemctl start docker")).toBeVisible();
  await expect(page.getByText("no Docker", { exact: true })).toBeVisible();
  await expect(page.getByText("sudo chmod a+r /sys/class/powercap/*/energy_uj")).toBeVisible();
});
