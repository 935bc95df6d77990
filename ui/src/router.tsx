// The screens and their addresses. What is selected or filtered is in the address, so that a view can be returned to.
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";

import { host } from "./api/host";
import { queries } from "./api/queries";
import { Broken } from "./components/Broken";
import { Frame } from "./pages/Frame";
import { firstView, queryOf } from "./pages/results/view";

const root = createRootRoute({ component: Frame });

async function appInfo() {
  return queries.fetchQuery({ queryKey: ["app"], queryFn: () => host().appInfo() });
}

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async () => {
    const { project } = await appInfo();
    throw redirect({ to: project === null ? "/welcome" : "/bench" });
  },
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: "/welcome",
  component: lazyRouteComponent(() => import("./pages/Welcome"), "WelcomePage"),
});

const bench = createRoute({
  getParentRoute: () => root,
  path: "/bench",
  component: lazyRouteComponent(() => import("./pages/bench/BenchPage"), "BenchPage"),
});

const campaigns = createRoute({
  getParentRoute: () => root,
  path: "/campaigns",
  component: lazyRouteComponent(() => import("./pages/campaigns/CampaignsPage"), "CampaignsPage"),
});

const builder = createRoute({
  getParentRoute: () => root,
  path: "/campaigns/edit",
  validateSearch: (search: Record<string, unknown>): { path?: string } =>
    typeof search.path === "string" ? { path: search.path } : {},
  component: lazyRouteComponent(() => import("./pages/campaigns/BuilderPage"), "BuilderPage"),
});

const live = createRoute({
  getParentRoute: () => root,
  path: "/live",
  component: lazyRouteComponent(() => import("./pages/live/LivePage"), "LivePage"),
});

const results = createRoute({
  getParentRoute: () => root,
  path: "/results",
  validateSearch: (search: Record<string, unknown>): { campaign?: string } =>
    typeof search.campaign === "string" ? { campaign: search.campaign } : {},
  // The rows are asked for while the screen's code is still being read.
  loaderDeps: ({ search }) => ({ campaign: search.campaign ?? null }),
  loader: ({ deps }) => {
    const query = queryOf(firstView(deps.campaign));
    void queries.prefetchQuery({ queryKey: ["results", query], queryFn: () => host().results(query) });
  },
  component: lazyRouteComponent(() => import("./pages/results/ResultsPage"), "ResultsPage"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/results/run/$id",
  component: lazyRouteComponent(() => import("./pages/results/RunPage"), "RunPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/results/compare",
  validateSearch: (search: Record<string, unknown>): { e: string[] } => ({
    e: Array.isArray(search.e) ? search.e.filter((name): name is string => typeof name === "string") : [],
  }),
  component: lazyRouteComponent(() => import("./pages/results/ComparePage"), "ComparePage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    welcome,
    bench,
    campaigns,
    builder,
    live,
    results,
    run,
    compare,
    settings,
  ]),
  history: createHashHistory(),
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
});

/** Reads the code of every screen, one after the other, while nothing else is to be done. */
export async function readAhead(): Promise<void> {
  for (const route of Object.values(router.routesById)) {
    await new Promise<void>((resume) => setTimeout(resume, 50));
    await (route.options.component as { preload?: () => Promise<unknown> } | undefined)?.preload?.();
  }
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
