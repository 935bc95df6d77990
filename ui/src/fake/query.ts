// Which rows a query lets through, and in which order: as the engine's store does.
import type { Facets, ResultQuery, ResultRow } from "../api/bindings";

function among(values: string[], value: string): boolean {
  return values.length === 0 || values.includes(value);
}

function lets(row: ResultRow, query: ResultQuery): boolean {
  const text = query.search?.trim().toLowerCase() ?? "";
  return (
    among(query.campaigns, row.campaign_id) &&
    among(query.experiments, row.experiment) &&
    among(query.backends, row.backend) &&
    among(query.models, row.model) &&
    among(query.statuses, row.status) &&
    among(query.runs, row.run_id) &&
    (text === "" ||
      [row.campaign_name, row.experiment, row.model, row.error ?? ""].some((value) =>
        value.toLowerCase().includes(text),
      ))
  );
}

/** Rows without a value come last, equal ones stay in the order of campaigns and plans. */
export function found(rows: ResultRow[], query: ResultQuery): ResultRow[] {
  const sign = query.descending ? -1 : 1;
  return rows
    .filter((row) => lets(row, query))
    .toSorted((a, b) => {
      const [x, y] = [a[query.sort], b[query.sort]];
      if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
      return x < y ? -sign : x > y ? sign : 0;
    });
}

export function facets(rows: ResultRow[]): Facets {
  const all = (of: (row: ResultRow) => string) => [...new Set(rows.map(of))].toSorted();
  return {
    backends: all((row) => row.backend),
    models: all((row) => row.model),
    experiments: all((row) => row.experiment),
  };
}
