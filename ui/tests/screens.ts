// Every screen in the states that matter, for rules that hold on all of them.
import type { Page } from "@playwright/test";

import type { Scenario } from "../src/fake/scenario";
import { BATCH_1, BATCH_8, BATCH_32, comparing, ESTIMATED } from "./app";

export type Screen = { name: string; at: string; fake?: Scenario; after?: (page: Page) => Promise<unknown> };

const yaml = (page: Page) =>
  page
    .getByRole("radiogroup", { name: "View" })
    .getByText("YAML")
    .click()
    .then(() => page.locator(".cm-content").waitFor());

export const SCREENS: Screen[] = [
  { name: "welcome", at: "/welcome", fake: "first-start" },
  { name: "bench", at: "/bench" },
  { name: "bench without docker", at: "/bench", fake: "no-docker" },
  { name: "campaigns", at: "/campaigns" },
  { name: "builder form", at: "/campaigns/edit?path=campaigns%2Fbatch-sweep.yaml" },
  { name: "builder with problems", at: "/campaigns/edit?path=campaigns%2Fengines.yaml" },
  { name: "builder yaml", at: "/campaigns/edit?path=campaigns%2Fbatch-sweep.yaml", after: yaml },
  { name: "live in a run", at: "/live", fake: "running" },
  { name: "live in a gap", at: "/live", fake: "in-gap" },
  { name: "results runs", at: "/results" },
  {
    name: "results groups",
    at: "/results",
    after: async (page) => {
      await page.getByRole("tab", { name: "Groups" }).click();
      await page.getByRole("table", { name: "Statistics of groups" }).waitFor();
    },
  },
  { name: "compare", at: comparing(BATCH_1, BATCH_8, BATCH_32, ESTIMATED) },
  { name: "run", at: "/results/run/c-0003-1-1" },
  { name: "run that is estimated", at: "/results/run/c-0002-1-1" },
  { name: "run that failed", at: "/results/run/c-0003-3-1" },
  { name: "settings form", at: "/settings" },
  { name: "settings yaml", at: "/settings", after: yaml },
  { name: "settings that are invalid", at: "/settings", fake: "invalid-settings" },
  { name: "failure", at: "/bench", fake: "failing" },
];
