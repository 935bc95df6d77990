/// <reference types="vitest/config" />
// Builds the page. `--mode fake` builds it with the host that lives in the page, for the tests in a browser.
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The query chooses the scenario of the fake host. It leaves the address before the router reads it, which takes a query
 * for a part of its own; a reload finds it in the session. */
const scenario: Plugin = {
  name: "scenario-of-the-fake-host",
  transformIndexHtml: () => [
    {
      tag: "script",
      injectTo: "head-prepend",
      children: `if (location.search.includes("fake=")) {
        sessionStorage.setItem("fake", location.search);
        history.replaceState(null, "", location.pathname + location.hash);
      }`,
    },
  ],
};

export default defineConfig(({ mode }) => ({
  plugins: mode === "fake" ? [react(), scenario] : [react()],
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  build: {
    target: "es2022",
    outDir: mode === "fake" ? "dist-fake" : "dist",
    chunkSizeWarningLimit: 1200,
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/lib/vitest-setup.ts"],
  },
}));
