// Every screen in the states that matter, for rules that hold on all of them.
import type { Page } from "@playwright/test";

import type { Scenario } from "../src/fake/scenario";
import { BATCH_1, BATCH_8, BATCH_32, comparing, ESTIMATED } from "./app";
import { importToRun, RUN } from "./meter";

export type Screen = { name: string; at: string; fake?: Scenario; after?: (page: Page) => Promise<unknown> };

const yaml = (page: Page) =>
  page
    .getByRole("radiogroup", { name: "View" })
    .getByText("YAML")
    .click()
    .then(() => page.locator(".cm-content").waitFor());

const toTheTop = (element: Element) => element.scrollIntoView({ block: "center" });

/** A section of the form is in view. */
const showing = (page: Page, title: string) =>
  page.getByRole("group", { name: title, exact: true }).evaluate((element) => {
    // Below the bar of the page.
    element.style.scrollMarginTop = "110px";
    element.scrollIntoView();
  });

/** Scrolls to the card with this heading. */
const cardOf = (name: string) => (page: Page) =>
  page
    .getByRole("heading", { level: 2, name, exact: true })
    .evaluate((heading) => heading.scrollIntoView({ block: "center" }));

const report = (page: Page) => page.getByRole("tab", { name: "Report" }).click();

export const SCREENS: Screen[] = [
  { name: "welcome", at: "/welcome", fake: "first-start" },
  { name: "bench", at: "/bench" },
  { name: "bench without docker", at: "/bench", fake: "no-docker" },
  { name: "campaigns", at: "/campaigns" },
  { name: "builder form", at: "/campaigns/edit?path=campaigns%2Fbatch-sweep.yaml" },
  { name: "builder with problems", at: "/campaigns/edit?path=campaigns%2Fengines.yaml" },
  {
    name: "builder until known",
    at: "/campaigns/edit?path=campaigns%2Fknown.yaml",
    after: (page) => showing(page, "Execution"),
  },
  {
    name: "builder gaps and baseline",
    at: "/campaigns/edit?path=campaigns%2Fknown.yaml",
    after: (page) => showing(page, "Thermal gaps"),
  },
  {
    name: "builder baseline with looks",
    at: "/campaigns/edit?path=campaigns%2Fknown.yaml",
    after: async (page) => {
      await page.getByRole("radio", { name: /^loaded/ }).click();
      const fresh = page.getByText("fresh in force").locator("..");
      await fresh.getByRole("button", { name: "use the default" }).click();
      await page.getByText("every 5 runs in force").waitFor();
      await showing(page, "Measurement");
    },
  },
  { name: "builder yaml", at: "/campaigns/edit?path=campaigns%2Fbatch-sweep.yaml", after: yaml },
  { name: "live in a run", at: "/live", fake: "running" },
  { name: "live in a gap", at: "/live", fake: "in-gap" },
  { name: "live while cooling", at: "/live", fake: "cooling" },
  { name: "live at rest", at: "/live", fake: "at-rest" },
  { name: "live with runs not needed", at: "/live", fake: "known" },
  { name: "results runs", at: "/results" },
  {
    name: "results groups",
    at: "/results",
    after: async (page) => {
      await page.getByRole("tab", { name: "Groups" }).click();
      await page.getByRole("table", { name: "Statistics of groups" }).waitFor();
    },
  },
  {
    name: "run meter",
    at: `/results/run/${RUN}`,
    after: async (page) => {
      await importToRun(page);
      await cardOf("External power meter")(page);
    },
  },
  {
    name: "run meter form",
    at: `/results/run/${RUN}`,
    after: async (page) => {
      await page.getByRole("button", { name: "Import readings…" }).click();
      await page.getByRole("button", { name: "Columns and times of the file" }).click();
    },
  },
  { name: "compare", at: comparing(BATCH_1, BATCH_8, BATCH_32, ESTIMATED) },
  {
    name: "compare pairs",
    at: comparing(BATCH_1, BATCH_8, BATCH_32, ESTIMATED),
    after: cardOf("What differs"),
  },
  {
    name: "report",
    at: "/results?campaign=c-0003",
    after: async (page) => {
      await report(page);
      await page.getByRole("table", { name: "Experiments of the campaign" }).waitFor();
    },
  },
  {
    name: "report charts",
    at: "/results?campaign=c-0003",
    after: async (page) => {
      await report(page);
      await page.getByRole("img", { name: /^Against the start temperature/ }).scrollIntoViewIfNeeded();
    },
  },
  {
    name: "report of one run each",
    at: "/results?campaign=c-0001",
    after: async (page) => {
      await report(page);
      await page
        .getByText(/a slope takes three or more/)
        .first()
        .waitFor();
    },
  },
  {
    name: "report of no campaign",
    at: "/results",
    after: async (page) => {
      await report(page);
      await page.getByText("A report is of one campaign").waitFor();
    },
  },
  { name: "run", at: "/results/run/c-0003-1-1" },
  { name: "run quality", at: "/results/run/c-0003-9-1", after: cardOf("Quality") },
  { name: "run baselines", at: "/results/run/c-0003-6-1", after: cardOf("Baselines") },
  {
    name: "run derived",
    at: "/results/run/c-0003-1-1",
    after: async (page) => {
      await page.getByRole("table", { name: "Derived values" }).waitFor();
      await cardOf("Derived")(page);
    },
  },
  {
    name: "run derived without a gpu",
    at: "/results/run/c-0002-1-1",
    after: async (page) => {
      await page.getByRole("table", { name: "Derived values" }).waitFor();
      await cardOf("Derived")(page);
    },
  },
  {
    name: "run derived that failed",
    at: "/results/run/c-0003-1-1",
    after: async (page) => {
      await page.evaluate(() => window.__fake?.refuse("runMetrics"));
      await page.getByRole("link", { name: "Results" }).click();
      await page.getByRole("button", { name: "pytorch_Llama-3.1-8B_batch_size-8" }).first().click();
      await page.getByText("runMetrics: the results database is locked").scrollIntoViewIfNeeded();
    },
  },
  { name: "run surroundings", at: "/results/run/c-0003-9-1", after: cardOf("Surroundings") },
  { name: "run that is estimated", at: "/results/run/c-0002-1-1" },
  { name: "run that failed", at: "/results/run/c-0003-3-1" },
  { name: "settings form", at: "/settings" },
  {
    name: "settings footprint",
    at: "/settings",
    after: (page) =>
      page.getByRole("textbox", { name: "footprint.carbon_intensity_gco2_kwh" }).evaluate(toTheTop),
  },
  { name: "settings yaml", at: "/settings", after: yaml },
  { name: "settings that are invalid", at: "/settings", fake: "invalid-settings" },
  { name: "failure", at: "/bench", fake: "failing" },
];
