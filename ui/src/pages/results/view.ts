// What the results screen shows, as the query that the engine answers.
import type { ResultQuery, RunStatus, SortColumn } from "../../api/bindings";

export type View = {
  campaign: string | null;
  backends: string[];
  models: string[];
  statuses: RunStatus[];
  search: string;
  sort: SortColumn;
  descending: boolean;
};

export const PAGE = 200;

export function firstView(campaign: string | null): View {
  return {
    campaign,
    backends: [],
    models: [],
    statuses: [],
    search: "",
    sort: "started_at",
    descending: true,
  };
}

/** The query of a part of the view. */
export function queryOf(view: View, offset = 0, limit = PAGE): ResultQuery {
  return {
    campaigns: view.campaign === null ? [] : [view.campaign],
    experiments: [],
    backends: view.backends,
    models: view.models,
    statuses: view.statuses,
    runs: [],
    search: view.search.trim() === "" ? null : view.search,
    sort: view.sort,
    descending: view.descending,
    offset,
    limit,
  };
}

/** Sorting by a column: first the greatest, then the least. */
export function sortedBy(view: View, sort: SortColumn): View {
  return { ...view, sort, descending: view.sort === sort ? !view.descending : true };
}
