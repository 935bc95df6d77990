// Everything works without a mouse, and one sees where one is.
import { expect, test } from "@playwright/test";

import { open } from "./app";

test("the first stop skips to the content", async ({ page }) => {
  await open(page, "/bench");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  expect(page.url()).toMatch(/#\/bench$/);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Quick start" })).toBeFocused();
});

test("Alt with a digit switches screens", async ({ page }) => {
  await open(page, "/bench");
  for (const [key, title] of [
    ["2", "Campaigns"],
    ["3", "Results"],
    ["4", "Settings"],
    ["1", "Bench"],
  ] as const) {
    await page.keyboard.press(`Alt+${key}`);
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
  }
});

test("Tab reaches everything on the bench, and each stop is seen", async ({ page }) => {
  await open(page, "/bench");
  await expect(page.getByRole("button", { name: /Resume/ })).toBeVisible();
  const stops: { name: string; seen: boolean }[] = [];
  for (let count = 0; count < 60; count += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return null;
      // A hidden input is drawn by its label.
      const drawn = [element, element.nextElementSibling, element.closest("label")].filter(
        (one) => one !== null,
      );
      const seen = drawn.some((one) => {
        const { outlineStyle, outlineWidth, borderColor } = getComputedStyle(one);
        return (outlineStyle !== "none" && outlineWidth !== "0px") || borderColor.includes("primary");
      });
      return { name: element.getAttribute("aria-label") ?? element.textContent ?? "", seen };
    });
    if (stop === null) break;
    stops.push(stop);
  }
  const names = stops.map(({ name }) => name);
  for (const wanted of [
    "Bench",
    "Quick start",
    "night sweep",
    "Check again",
    "Keyboard shortcuts",
    "Copy the remedy",
  ]) {
    expect(names).toContain(wanted);
  }
  expect(names.some((name) => name.startsWith("Power over time"))).toBe(true);
  expect(names.some((name) => name.startsWith("Resume"))).toBe(true);
  expect(stops.filter(({ seen }) => !seen).map(({ name }) => name)).toEqual([]);
});

test("a chart is moved, zoomed and reset with keys", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  const chart = page.getByRole("img", { name: /Power over time/ });
  await chart.focus();
  await expect(page.getByRole("button", { name: "Follow the present" })).toHaveCount(0);
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("button", { name: "Follow the present" })).toBeVisible();
  // The picture and not its words: two stretches may have the same least and greatest values.
  const moved = await chart.screenshot();
  await page.keyboard.press("Home");
  await expect.poll(async () => moved.equals(await chart.screenshot())).toBe(false);
});

test("a run is opened from the table with keys", async ({ page }) => {
  await open(page, "/results");
  await page.getByRole("button", { name: "pytorch_Llama-3.1-8B_batch_size-4" }).first().focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: /batch_size-4, cycle/ })).toBeVisible();
});

test("a dialog takes the focus, and gives it back", async ({ page }) => {
  await open(page, "/live", { fake: "running" });
  const stop = page.getByRole("button", { name: "Stop", exact: true });
  await stop.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").locator(":focus")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(stop).toBeFocused();
});

test("the list of keys is a key away", async ({ page }) => {
  await open(page, "/bench");
  await page.keyboard.press("Shift+?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});
