// The rows of a long table, fetched part by part as they come into view.
import { useQueries } from "@tanstack/react-query";

import type { ResultRow } from "../../api/bindings";
import { host } from "../../api/host";
import { PAGE, queryOf, type View } from "./view";

/** The row at a position, where its part is there already. */
export type RowAt = (index: number) => ResultRow | undefined;

/** Fetches the parts that hold the rows from `first` to `last`. */
export function useRows(view: View, first: number, last: number): RowAt {
  const begin = Math.floor(first / PAGE);
  const end = Math.max(begin, Math.floor(last / PAGE));
  const parts = Array.from({ length: end - begin + 1 }, (_, i) => queryOf(view, (begin + i) * PAGE));
  const answers = useQueries({
    queries: parts.map((query) => ({ queryKey: ["results", query], queryFn: () => host().results(query) })),
  });
  return (index) => answers[Math.floor(index / PAGE) - begin]?.data?.rows[index % PAGE];
}
