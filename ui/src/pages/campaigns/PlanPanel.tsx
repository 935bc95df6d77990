// What the campaign would do, as the engine says: runs, time, energy where history knows, the timeline, the problems.
import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";

import type { Diagnostic, PlanPreview } from "../../api/bindings";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Findings } from "../../components/Findings";
import { Loading } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { backendColor } from "../../lib/colors";
import { duration, MISSING, si } from "../../lib/format";
import { rulesOf } from "./rules";
import { Timeline } from "./Timeline";

type Props = {
  plan: PlanPreview | undefined;
  error: unknown;
  onShow: (finding: Diagnostic) => void;
};

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
        {plan.runs_total > 0 && <Rules plan={plan} />}
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

/** Gaps that end when the devices are cool, and runs that are done only while they are needed, are planned at their most. */
function mostOf({ thermal, stopping }: PlanPreview): { gaps: boolean; runs: boolean } {
  return { gaps: thermal.mode.value === "adaptive", runs: stopping !== null };
}

function Numbers({ plan }: { plan: PlanPreview }) {
  const most = mostOf(plan);
  const { running_s: running, energy_j: energy, known_runs: known, provenance } = plan.estimate;
  const unknown =
    known === 0 ? "nothing like it was run yet" : `${known} of ${plan.runs_total} runs are like earlier ones`;
  const total = running === null ? MISSING : duration(running + plan.total_gap_s);
  const label = (text: string, isMost: boolean) =>
    isMost && plan.runs_total > 0 ? `${text}, at most` : text;
  const figures = [
    { label: "Experiments", value: String(plan.experiments.length) },
    { label: label("Runs", most.runs), value: plan.runs_total.toLocaleString("en") },
    { label: label("Waiting", most.gaps || most.runs), value: duration(plan.total_gap_s) },
    { label: label("Running, from history", most.runs), value: duration(running) },
    { label: label("In all", most.gaps || most.runs), value: total },
    { label: label("Energy, from history", most.runs), value: si(energy, "J"), provenance },
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

function Rules({ plan }: { plan: PlanPreview }) {
  return (
    <Table
      aria-label="Rules of the plan"
      mt="xs"
      withRowBorders={false}
      verticalSpacing={2}
      horizontalSpacing={0}
      fz="sm"
    >
      <Table.Tbody>
        {rulesOf(plan).map(({ name, text }) => (
          <Table.Tr key={name}>
            <Table.Th w={80} fw={400} c="dimmed" style={{ verticalAlign: "top" }}>
              {name}
            </Table.Th>
            <Table.Td>{text}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
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
