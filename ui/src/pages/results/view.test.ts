import { expect, test } from "vitest";

import { firstView, PAGE, queryOf, sortedBy } from "./view";

test("the first view is of everything, the latest first", () => {
  expect(queryOf(firstView(null))).toEqual({
    campaigns: [],
    experiments: [],
    backends: [],
    models: [],
    statuses: [],
    runs: [],
    search: null,
    sort: "started_at",
    descending: true,
    offset: 0,
    limit: PAGE,
  });
});

test("the campaign of the address narrows the query", () => {
  expect(queryOf(firstView("c-1")).campaigns).toEqual(["c-1"]);
});

test("a search of nothing but spaces is no search", () => {
  expect(queryOf({ ...firstView(null), search: "  " }).search).toBeNull();
  expect(queryOf({ ...firstView(null), search: "llama" }).search).toBe("llama");
});

test("a part of the view differs from it in place and length alone", () => {
  const view = firstView(null);
  expect(queryOf(view, 400, 50)).toEqual({ ...queryOf(view), offset: 400, limit: 50 });
});

test("a column sorts first the greatest, then the least, and another one begins anew", () => {
  const greatest = sortedBy(firstView(null), "energy_j");
  expect(greatest).toMatchObject({ sort: "energy_j", descending: true });
  const least = sortedBy(greatest, "energy_j");
  expect(least).toMatchObject({ sort: "energy_j", descending: false });
  expect(sortedBy(least, "model")).toMatchObject({ sort: "model", descending: true });
});
