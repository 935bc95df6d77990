// Every run of the campaign as a cell: its state by shape and colour, its backend by the line below.
import { Card, Group, Text, Title, Tooltip, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { memo } from "react";

import type { RunCell } from "../../api/bindings";
import { backendColor } from "../../lib/colors";
import { describe, lookOf } from "./cells";

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
  const { sign, color } = lookOf(run);
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
            // What is not done keeps its place and its backend, and no weight.
            borderBottom: `3px ${run.status === "not_needed" ? "dotted" : "solid"} ${backendColor(run.backend)}`,
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
