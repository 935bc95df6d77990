// What the campaign would do, as the engine says: runs, time, energy where history knows, the timeline, the problems.
import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";

import type { Diagnostic, PlanPreview } from "../../api/bindings";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Findings } from "../../components/Findings";
import { Loading } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { backendColor } from "../../lib/colors";
import { duration, MISSING, si } from "../../lib/format";
import { Timeline } from "./Timeline";

type Props = { plan: PlanPreview | undefined; error: unknown; onShow: (finding: Diagnostic) => void };

export function PlanPanel({ plan, error, onShow }: Props) {
  if (error !== null && error !== undefined) return <ErrorNotice error={error} />;
  if (plan === undefined) return <Loading what="Planning" />;
  return (
    <Stack gap="md">
      <Card>
        <Title order={2} mb="xs">
          Plan
        </Title>
        <Numbers plan={plan} />
        <Timeline plan={plan} />
      </Card>
      {plan.problems.length > 0 && (
        <Card>
          <Title order={2} mb="xs">
            Problems
          </Title>
          <Findings all={plan.problems} onShow={onShow} />
        </Card>
      )}
      {plan.experiments.length > 0 && <Experiments plan={plan} />}
    </Stack>
  );
}

function Numbers({ plan }: { plan: PlanPreview }) {
  const { running_s: running, energy_j: energy, known_runs: known, provenance } = plan.estimate;
  const unknown =
    known === 0 ? "nothing like it was run yet" : `${known} of ${plan.runs_total} runs are like earlier ones`;
  const total = running === null ? MISSING : duration(running + plan.total_gap_s);
  const figures = [
    { label: "Experiments", value: String(plan.experiments.length) },
    { label: "Runs", value: plan.runs_total.toLocaleString("en") },
    { label: "Waiting", value: duration(plan.total_gap_s) },
    { label: "Running, from history", value: running === null ? MISSING : duration(running) },
    { label: "In all", value: total },
    { label: "Energy, from history", value: energy === null ? MISSING : si(energy, "J"), provenance },
  ];
  return (
    <SimpleGrid cols={3} spacing="xs" role="status" aria-label="Size of the campaign">
      {figures.map((figure) => (
        <div key={figure.label}>
          <Text size="xs" c="dimmed">
            {figure.label}
          </Text>
          <Text fw={600} component="div">
            <Quantity text={figure.value} provenance={figure.provenance} missing={unknown} />
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function Experiments({ plan }: { plan: PlanPreview }) {
  return (
    <Card>
      <Title order={2} mb="xs">
        Experiments
      </Title>
      <Table.ScrollContainer minWidth={420} mah={320}>
        <Table aria-label="Experiments">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Experiment</Table.Th>
              <Table.Th>Backend</Table.Th>
              <Table.Th>Model</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {plan.experiments.map((experiment) => (
              <Table.Tr key={experiment.name}>
                <Table.Td>{experiment.name}</Table.Td>
                <Table.Td>
                  <Group gap={4} wrap="nowrap">
                    <span style={{ borderBottom: `2px solid ${backendColor(experiment.backend)}` }}>
                      {experiment.backend}
                    </span>
                    <Text span size="xs" c="dimmed">
                      {experiment.runner}
                    </Text>
                  </Group>
                </Table.Td>
                <Table.Td>{experiment.model}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}
