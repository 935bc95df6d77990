// What the page has asked the host, by key; and which of it each event makes stale.
import {
  keepPreviousData,
  QueryClient,
  useMutation,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import { notifications } from "@mantine/notifications";

import type { HostEvent } from "./bindings";
import { host, HostError, type Host } from "./host";

export const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, staleTime: 5000, refetchOnWindowFocus: true } },
});

/** The subjects that queries are keyed by. */
export type Subject =
  | "app"
  | "doctor"
  | "services"
  | "settings"
  | "campaign-files"
  | "campaign-keys"
  | "plan"
  | "campaigns"
  | "results"
  | "result"
  | "statistics"
  | "compare"
  | "report"
  | "metrics"
  | "facets";

const STALE: Partial<Record<HostEvent["event"], readonly Subject[]>> = {
  // A run that ends can take back what was said of earlier ones: their baseline turned out not to hold.
  results_changed: [
    "campaigns",
    "results",
    "result",
    "statistics",
    "compare",
    "report",
    "facets",
    "campaign-keys",
    "plan",
  ],
};

/** Asks again for what an event has made stale. Another project makes everything stale. */
export function refreshAfter(event: HostEvent): void {
  if (event.event === "project_changed") void queries.invalidateQueries();
  for (const subject of STALE[event.event] ?? []) void queries.invalidateQueries({ queryKey: [subject] });
}

/** An answer of the host, kept by subject and arguments. */
export function useHostQuery<T>(
  subject: Subject,
  key: readonly unknown[],
  ask: (host: Host) => Promise<T>,
  options: { every?: number; enabled?: boolean } = {},
): UseQueryResult<T, Error> {
  return useQuery<T, Error, T>({
    queryKey: [subject, ...key],
    queryFn: () => ask(host()),
    refetchInterval: options.every ?? false,
    enabled: options.enabled ?? true,
    placeholderData: keepPreviousData,
  });
}

/** Asks the host for a change; a failure is shown at once, with what to do. */
export function useHostAction<A, T>(
  act: (host: Host, argument: A) => Promise<T>,
  stale: readonly Subject[] = [],
  /** `quiet`: the caller shows failures where they belong. */
  { quiet = false }: { quiet?: boolean } = {},
): UseMutationResult<T, Error, A> {
  return useMutation<T, Error, A>({
    mutationFn: (argument: A) => act(host(), argument),
    ...(quiet ? {} : { onError: showError }),
    onSuccess: () => {
      for (const subject of stale) void queries.invalidateQueries({ queryKey: [subject] });
    },
  });
}

/** Shows a failure beside what was being done. */
export function showError(error: unknown): void {
  const { message, hint } = sentence(error);
  notifications.show({
    color: "red",
    title: message,
    message: hint ?? "",
    autoClose: 15_000,
    withBorder: true,
  });
}

/** A part of the host panicked: said until it is read. */
export function showPanic(message: string, log: string): void {
  notifications.show({
    color: "red",
    title: "A part of LEM Desktop failed",
    message: `${message}. What was measured so far is stored; the log in ${log} has the rest.`,
    autoClose: false,
    withBorder: true,
  });
}

/** What happened, and what to do. */
export function sentence(error: unknown): { message: string; hint: string | null } {
  if (error instanceof HostError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: null };
}
