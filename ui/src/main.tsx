// The page begins: the host is chosen, its events are taken in, and the first screen is drawn.
import "./lib/locale";
import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "uplot/dist/uPlot.min.css";
import "./app.css";

import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { host, setHost } from "./api/host";
import { takeEvent } from "./api/live";
import { queries, refreshAfter, showError, showPanic } from "./api/queries";
import { tauriHost } from "./api/tauri";
import { askAboutClosing } from "./pages/closing";
import { readAhead, router } from "./router";
import { theme, variables } from "./theme";

// The tests in a browser have a host in the page. The mode is known when the page is built: elsewhere nothing is left of it.
setHost(import.meta.env.MODE === "fake" ? (await import("./fake/host")).fakeHost() : tauriHost());

for (const kind of ["error", "unhandledrejection"] as const) {
  window.addEventListener(kind, (event) => {
    const reason: unknown =
      event instanceof ErrorEvent ? event.error : (event as PromiseRejectionEvent).reason;
    const text = reason instanceof Error ? `${reason.message}\n${reason.stack ?? ""}` : String(reason);
    // A report that fails must not be reported: it would never end.
    host()
      .reportPageError(text)
      .catch(() => {});
  });
}

host()
  .watch((event) => {
    takeEvent(event);
    refreshAfter(event);
    if (event.event === "close_asked") askAboutClosing();
    if (event.event === "panicked") showPanic(event.message, event.log);
  })
  .catch(showError);

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element for the page");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <ModalsProvider>
          <Notifications position="bottom-right" limit={4} />
          <RouterProvider router={router} />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);

// After the first screen has its data; on a slow machine this waits its turn.
setTimeout(() => void readAhead(), 2000);
