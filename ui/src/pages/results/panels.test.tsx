// The panels of a run in the states that a fake campaign does not come to.
import { MantineProvider } from "@mantine/core";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { expect, test } from "vitest";

import type {
  QualityCheck,
  ResultRow,
  RunBaseline,
  RunDetail,
  RunMeter as Meter,
  Value,
  WindowPart,
} from "../../api/bindings";
import { queries } from "../../api/queries";
import { GradeBadge } from "../../components/GradeBadge";
import { Checks } from "./ChecksTable";
import { COLUMNS, whyMissing } from "./columns";
import { RunAround } from "./RunAround";
import { RunBaselines } from "./RunBaselines";
import { RunMeter } from "./RunMeter";
import { RunQuality } from "./RunQuality";
import { WindowParts } from "./WindowParts";

const show = (children: ReactNode) => render(<MantineProvider env="test">{children}</MantineProvider>);

const RUN = {
  status: "completed",
  provenance: "estimated",
  error: null,
  grade: null,
  quality: null,
  baselines: [],
  baseline_kind: null,
  adjusted_energy_j: null,
  gap_ended_because: null,
  gap: null,
  gap_planned_s: 45,
  gap_actual_s: 45,
  surroundings: null,
  devices: [],
  window_parts: [],
  parts_withheld: null,
} as unknown as RunDetail;

const check = (id: string, verdict: QualityCheck["verdict"]): QualityCheck => ({
  id,
  verdict,
  value: 12.5,
  unit: "%",
  threshold: "at most 5 %; warn above",
  why: `The sentence of ${id}.`,
});

const BASELINE: RunBaseline = {
  kind: "bare",
  chosen: true,
  power_w: 72,
  power_uncertainty_w: 0.6,
  sd_w: null,
  temperature_c: null,
  duration_s: 30,
  age_s: 640,
  drift: null,
  adjusted_energy_j: 1200,
  adjusted_energy_uncertainty_j: 14,
  withheld: null,
};

const PART: WindowPart = {
  part: "decode",
  seconds: 4,
  stretches: 16,
  energy_j: 1200,
  energy_uncertainty_j: 50,
  withheld: null,
};

test("checks that did not pass come first and whole; the others are folded and can be read", async () => {
  show(<Checks checks={[check("window", "pass"), check("gap", "warn"), check("mig", "invalid")]} />);
  const open = screen.getByRole("table", { name: "Checks that did not pass" });
  const rows = within(open).getAllByRole("row");
  expect(rows[1]).toHaveTextContent("invalidMIG12.5 % The sentence of mig.at most 5 %; warn above");
  expect(rows[2]).toHaveTextContent("warnGap");
  const fold = screen.getByRole("button", { name: "1 check passed" });
  expect(fold).toHaveAttribute("aria-expanded", "false");
  await userEvent.click(fold);
  expect(fold).toHaveAttribute("aria-expanded", "true");
});

test("energy among the values of checks carries the mark of the run, and counts have no decimals", () => {
  const energy = { ...check("energy", "warn"), value: 300, unit: "J" };
  const count = { ...check("read_errors", "warn"), value: 3, unit: "" };
  show(<Checks checks={[energy, count]} provenance="simulated" />);
  const [, first, second] = screen.getAllByRole("row");
  expect(first).toHaveTextContent("300 J simulated");
  expect(second).toHaveTextContent("Read errors3 The sentence");
});

test("a report without a fault says so", () => {
  show(<Checks checks={[check("window", "pass")]} />);
  expect(screen.getByText("Every check passed.")).toBeInTheDocument();
});

test("a run of a version without checks has no grade, and a run that failed no panel", () => {
  const { unmount } = show(<RunQuality run={RUN} />);
  expect(screen.getByText(/made no checks: it has no grade/)).toBeInTheDocument();
  unmount();
  show(<RunQuality run={{ ...RUN, status: "failed" }} />);
  expect(screen.queryByRole("heading")).toBeNull();
});

test("a grade is a letter, a word and a meaning, not a colour", () => {
  show(<GradeBadge grade="b" count={3} />);
  const badge = screen.getByRole("img", { name: "3 grade B: the worst of its checks is a warning: usable" });
  expect(badge).toHaveTextContent("3 ×Bwarning");
});

test("energy above a baseline carries the mark of the run, and a reason where it is withheld", () => {
  const withheld = { ...BASELINE, kind: "loaded", chosen: false, adjusted_energy_j: null };
  const why = "the baseline drifted by 11.0 %, more than 10.0 %";
  show(<RunBaselines run={{ ...RUN, baselines: [BASELINE, { ...withheld, withheld: why }] }} />);
  const [, bare, loaded] = within(screen.getByRole("table", { name: "Baselines" })).getAllByRole("row");
  expect(bare).toHaveTextContent(/bare chosen/);
  expect(bare).toHaveTextContent(/1.200 ± 0.014.kJ estimated/);
  expect(loaded).toHaveTextContent(`withheld: ${why}`);
  expect(loaded).not.toHaveTextContent("chosen");
});

test("a part of the window carries the mark of the run, and a reason where its energy is withheld", () => {
  const why = "its 16 stretches last 31 ms on average";
  const parts: WindowPart[] = [
    { ...PART, part: "prefill", energy_j: null, energy_uncertainty_j: null, withheld: why },
    PART,
  ];
  show(<WindowParts run={{ ...RUN, window_parts: parts }} />);
  const table = screen.getByRole("table", { name: "Parts of the measured window" });
  const decode = within(table).getAllByRole("row")[2];
  expect(screen.getByText(`Energy of prefill withheld: ${why}.`)).toBeInTheDocument();
  expect(within(table).getAllByRole("img", { name: `missing: ${why}` })).toHaveLength(2);
  expect(decode).toHaveTextContent(/1.200 ± 0.050.kJ estimated/);
  expect(decode).toHaveTextContent(/300.W estimated/);
});

test("a window that is not divided says why, and one of an earlier version nothing", () => {
  const { unmount } = show(
    <WindowParts run={{ ...RUN, parts_withheld: "a server is seen from its client" }} />,
  );
  expect(screen.getByText(/not told apart: a server is seen from its client\./)).toBeInTheDocument();
  unmount();
  show(<WindowParts run={RUN} />);
  expect(screen.queryByRole("heading")).toBeNull();
});

test("a run without a baseline says so", () => {
  show(<RunBaselines run={RUN} />);
  expect(screen.getByText("No baseline was taken: there is no energy above one.")).toBeInTheDocument();
});

test("what nobody looked at is told apart from what did not change", () => {
  const surroundings = { before: {}, after: null, drift: null } as Value;
  show(<RunAround run={{ ...RUN, surroundings }} />);
  expect(screen.getByText("Nobody compared.")).toBeInTheDocument();
  expect(screen.queryByRole("table", { name: "Gap before the run" })).toBeNull();
});

test("a gap of an unknown kind is told as it was stored", () => {
  show(<RunAround run={{ ...RUN, gap_ended_because: "eclipse", gap: { mode: "lunar" } as Value }} />);
  const gap = screen.getByRole("table", { name: "Gap before the run" });
  expect(gap).toHaveTextContent("eclipse");
  expect(gap).toHaveTextContent("lunar");
});

test("adjusted energy in the table names its baseline, and says why it is missing", () => {
  const column = COLUMNS.find(({ key }) => key === "adjusted_energy_j");
  const row = { ...RUN, baseline_kind: "loaded", adjusted_energy_j: 1234 } as ResultRow;
  expect(column?.text(row)).toBe("1234 (loaded)");
  expect(column?.text({ ...row, adjusted_energy_j: null })).toBe("–");
  expect(whyMissing({ ...row, adjusted_energy_j: null }, "adjusted_energy_j")).toMatch(/withheld.*loaded/);
  expect(whyMissing({ ...row, baseline_kind: null }, "adjusted_energy_j")).toBe(
    "the campaign took no baseline",
  );
});

const METER: Meter = {
  name: "wall",
  file_name: "wall.csv",
  file_sha256: "00",
  imported_unix_ns: 1,
  alignment: "clock",
  offset_s: 0,
  offset_uncertainty_s: 0.94,
  correlation: null,
  accuracy: null,
  interval_s: 1,
  readings: 40,
  energy_j: null,
  energy_uncertainty_j: null,
  withheld: "it has no reading for 11.0 s within the window",
  notes: [],
};

test("a meter with a hole in the window has no energy but the reason, and its line stays among the traces", () => {
  const run = { ...RUN, meter: METER, meter_devices_share: null, meter_joules_per_output_token: null };
  show(
    <QueryClientProvider client={queries}>
      <RunMeter run={run} />
    </QueryClientProvider>,
  );
  expect(screen.getByText("withheld: it has no reading for 11.0 s within the window")).toBeVisible();
  expect(screen.getAllByRole("img", { name: /^missing: it has no reading for 11.0 s/ })).toHaveLength(3);
  expect(screen.getByText(/accuracy was not stated and is not in the uncertainty/)).toBeVisible();
});

test("the share of devices that were not measured says so beside it, and the meter's energy does not", () => {
  const meter = { ...METER, withheld: null, energy_j: 1000, energy_uncertainty_j: 20 };
  const run = { ...RUN, meter, meter_devices_share: 0.5, meter_joules_per_output_token: 2 };
  show(
    <QueryClientProvider client={queries}>
      <RunMeter run={run} />
    </QueryClientProvider>,
  );
  expect(screen.getByText("1.000 ± 0.020 kJ")).not.toHaveTextContent("estimated");
  expect(screen.getByText("50 %")).toHaveTextContent("estimated");
});
