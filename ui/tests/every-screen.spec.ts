// What holds on every screen: it can be used by everyone, it fits into a small window, and the page does not break.
// Each screen is kept as a picture in both schemes, to be looked at.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";

import { open } from "./app";
import { SCREENS } from "./screens";

const PICTURES = "../test-artifacts/browser/screens";

/** What the scheme changes; everything else is looked at once. */
const COLORS = ["color-contrast", "link-in-text-block"];

/** Serious and critical findings, each with its element. */
async function hindrances(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`),
    );
}

/** Boxes that are narrower than what they hold. */
async function tooNarrow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.scrollingElement;
    const inner = document.querySelectorAll("header, nav, main, main > *, main [class*=Card-root]");
    return [...(root ? [root] : []), ...inner]
      .filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => `${box.tagName} ${box.className}: ${box.scrollWidth} in ${box.clientWidth}`);
  });
}

for (const screen of SCREENS) {
  test(`${screen.name}: hinders nobody in light and dark, and fits a small window`, async ({ page }) => {
    const broken: string[] = [];
    page.on("pageerror", (error) => broken.push(error.message));
    const picture = `${PICTURES}/${screen.name.replaceAll(" ", "-")}`;
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await open(page, screen.at, screen.fake === undefined ? {} : { fake: screen.fake });
    await screen.after?.(page);
    await page.screenshot({ path: `${picture}-light.png`, animations: "disabled" });
    expect.soft(await hindrances(page), "in light").toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: `${picture}-dark.png`, animations: "disabled" });
    expect.soft(await hindrances(page, COLORS), "in dark").toEqual([]);
    await page.setViewportSize({ width: 1024, height: 700 });
    await expect.soft.poll(() => tooNarrow(page), "at 1024 by 700").toEqual([]);
    expect(broken, "errors of the page").toEqual([]);
  });
}
