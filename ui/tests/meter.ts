// Bringing the file of the fake's power meter beside a run, for the tests and the pictures of it.
import type { Page } from "@playwright/test";

export const RUN = "c-0003-9-1";

export async function importToRun(page: Page, { accuracy }: { accuracy?: string } = {}): Promise<void> {
  await page.getByRole("button", { name: "Import readings…" }).click();
  const dialog = page.getByRole("dialog");
  if (accuracy !== undefined) await dialog.getByRole("textbox", { name: /^Accuracy/ }).fill(accuracy);
  await dialog.getByRole("button", { name: "Choose the file…" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("table", { name: "External power meter" }).waitFor();
}
