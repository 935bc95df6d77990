// A host that refuses everything: each screen says what happened and what to do, and none stays white.
import { expect, test } from "@playwright/test";

import { BATCH_1, comparing, open } from "./app";

const SCREENS = [
  { at: "/welcome", title: "What does inference cost in energy?" },
  { at: "/bench", title: "Bench", command: "doctor" },
  { at: "/campaigns", title: "Campaigns", command: "campaignFiles" },
  { at: "/campaigns/edit?path=campaigns%2Fx.yaml", title: "Campaign", command: "openCampaign" },
  { at: "/results", title: "Results", command: "results" },
  { at: "/results/run/c-1", title: "Run", command: "result" },
  { at: comparing(BATCH_1), title: "Compare", command: "compare" },
  { at: "/settings", title: "Settings", command: "settings" },
];

for (const { at, title, command } of SCREENS) {
  test(`${at.split("?")[0]}: a failure is told with what to do`, async ({ page }) => {
    await page.goto(`/?fake=failing#${at}`);
    await expect(page.getByRole("heading", { level: 1, name: title, exact: true })).toBeVisible();
    const alert = page
      .getByRole("main")
      .getByRole("alert")
      .filter({ hasText: `${command ?? "appInfo"}: the results database is locked` });
    await expect(alert).toContainText("end the other program, and try again");
    await expect(alert.getByRole("button", { name: "Copy" })).toBeVisible();
    await expect(alert.getByRole("button", { name: "Try again" })).toBeVisible();
  });
}

test("the first address too: it is not left white", async ({ page }) => {
  await page.goto("/?fake=failing#/");
  await expect(page.getByRole("main")).toContainText("appInfo: the results database is locked");
});

test("a failure is copied with its advice", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, "/settings", { fake: "failing" });
  await page.getByRole("alert").getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe("settings: the results database is locked\nend the other program, and try again");
});
