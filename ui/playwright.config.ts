// The page with its fake host in a real browser, as a person uses it. `CHROMIUM` names another browser to drive.
import { defineConfig } from "@playwright/test";

const PORT = 4174;

export default defineConfig({
  testDir: "tests",
  outputDir: "../test-artifacts/browser/output",
  fullyParallel: true,
  workers: 2,
  forbidOnly: process.env.CI !== undefined,
  reporter: "list",
  timeout: 30_000,
  expect: { timeout: 8000 },
  use: {
    baseURL: `http://127.0.0.1:${PORT}`,
    viewport: { width: 1280, height: 820 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  webServer: {
    command: `npx vite build --mode fake --logLevel warn && npx vite preview --mode fake --host 127.0.0.1 --port ${PORT} --strictPort`,
    port: PORT,
    reuseExistingServer: false,
    timeout: 120_000,
  },
});
