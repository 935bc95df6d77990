// Every run of the campaign as a cell: its state by shape and colour, its backend by the line below.
import { Card, Group, Text, Title, Tooltip, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { memo } from "react";

import type { RunCell, RunCellStatus } from "../../api/bindings";
import { backendColor } from "../../lib/colors";
import { duration, si } from "../../lib/format";

const SHAPE: Record<RunCellStatus, { sign: string; color: string }> = {
  planned: { sign: "·", color: "var(--mantine-color-default)" },
  waiting: { sign: "…", color: "var(--mantine-color-blue-light)" },
  running: { sign: "▶", color: "var(--mantine-color-teal-light)" },
  completed: { sign: "✓", color: "var(--mantine-color-green-light)" },
  failed: { sign: "✕", color: "var(--mantine-color-red-light)" },
  interrupted: { sign: "‖", color: "var(--mantine-color-yellow-light)" },
};

export function RunGrid({ runs, current }: { runs: RunCell[]; current: number | null }) {
  return (
    <Card>
      <Title order={2} mb="xs">
        Runs
      </Title>
      <Group gap={3} role="list" aria-label="Runs of the campaign" mah={260} style={{ overflowY: "auto" }}>
        {runs.map((run) => (
          <Cell key={run.index} run={run} current={run.index === current} />
        ))}
      </Group>
    </Card>
  );
}

const Cell = memo(function Cell({ run, current }: { run: RunCell; current: boolean }) {
  const navigate = useNavigate();
  const { sign, color } = SHAPE[run.status];
  const over = run.status === "completed" || run.status === "failed" || run.status === "interrupted";
  const id = over ? run.run_id : null;
  const text = describe(run);
  return (
    <Tooltip label={text} multiline maw={360}>
      <div role="listitem">
        <UnstyledButton
          w={22}
          h={24}
          ta="center"
          fz={12}
          aria-label={text}
          aria-current={current}
          disabled={id === null}
          onClick={() => id !== null && void navigate({ to: "/results/run/$id", params: { id } })}
          style={{
            background: color,
            borderBottom: `3px solid ${backendColor(run.backend)}`,
            borderRadius: 3,
            outline: current ? "2px solid var(--mantine-primary-color-filled)" : undefined,
          }}
        >
          <Text span inherit aria-hidden>
            {sign}
          </Text>
        </UnstyledButton>
      </div>
    </Tooltip>
  );
});

function describe(run: RunCell): string {
  const parts = [`Run ${run.index + 1}: ${run.experiment}, cycle ${run.cycle}, ${run.status}`];
  if (run.energy_j !== null) {
    const mark = run.provenance === null || run.provenance === "measured" ? "" : ` (${run.provenance})`;
    parts.push(`${si(run.energy_j, "J")}, ${si(run.joules_per_output_token, "J/token")}${mark}`);
  }
  if (run.duration_s !== null) parts.push(duration(run.duration_s));
  if (run.error !== null) parts.push(run.error);
  return parts.join("; ");
}
