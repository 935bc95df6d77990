// What was around a run: the gap before it, what had changed since the campaign began, and who else was on the devices.
import { Card, Grid, List, Table, Text, Title } from "@mantine/core";

import type { RunDetail } from "../../api/bindings";
import { Quantity } from "../../components/Quantity";
import { duration, MISSING, plain, si } from "../../lib/format";
import { gapFacts, surroundingsFacts, type Stranger, type Surroundings } from "./surroundings";

const MODES: Record<string, string> = {
  fixed: "fixed: after the time that was planned",
  adaptive: "adaptive: when temperature and power are back at rest",
  hot: "hot: no pause, warm-up goes on until the temperature is steady",
};

const ENDS: Record<string, string> = {
  none: "there was none to wait out",
  elapsed: "its time was over",
  cooled: "the devices were back at rest",
  maximum: "the devices were not back at rest, and the longest time was over",
  skipped: "someone skipped it",
  stopped: "the campaign was stopped",
};

export function RunAround({ run }: { run: RunDetail }) {
  const gap = run.gap_ended_because !== null;
  const around = run.surroundings !== null;
  if (!gap && !around) return null;
  return (
    <Grid>
      {gap && (
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <GapBefore run={run} />
        </Grid.Col>
      )}
      {around && (
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Around facts={surroundingsFacts(run.surroundings)} run={run} />
        </Grid.Col>
      )}
    </Grid>
  );
}

function GapBefore({ run }: { run: RunDetail }) {
  const gap = gapFacts(run.gap);
  const because = run.gap_ended_because ?? "";
  const lines: [string, string, string][] = [
    ["Mode", gap.mode === null ? MISSING : (MODES[gap.mode] ?? gap.mode), "not recorded"],
    ["Why it ended", ENDS[because] ?? because, ""],
    ["Planned", duration(run.gap_planned_s), ""],
    ["Waited", duration(run.gap_actual_s), "nothing ran before"],
    [
      "Temperature at its begin",
      plain(gap.startC, "°C", 0),
      "no device has a thermometer, or there was no gap",
    ],
    ["Temperature at its end", plain(gap.endC, "°C", 0), "no device has a thermometer, or there was no gap"],
    ["Temperature to return to", plain(gap.referenceC, "°C", 0), "only adaptive gaps have one"],
  ];
  return (
    <Card h="100%">
      <Title order={2} mb="xs">
        Gap before the run
      </Title>
      <Table aria-label="Gap before the run">
        <Table.Tbody>
          {lines.map(([label, text, missing]) => (
            <Table.Tr key={label}>
              <Table.Th scope="row" fw={400} c="dimmed" w={190}>
                {label}
              </Table.Th>
              <Table.Td>{text === MISSING ? <Quantity text={text} missing={missing} /> : text}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function Around({ facts, run }: { facts: Surroundings; run: RunDetail }) {
  return (
    <Card h="100%">
      <Title order={2} mb="xs">
        Surroundings
      </Title>
      <Title order={3} mb={4}>
        Changed since the campaign began
      </Title>
      <Sentences
        all={facts.changes}
        none="Nothing: driver, images, limits and versions are as they were."
        unknown="Nobody compared."
      />
      <Title order={3} mt="sm" mb={4}>
        Other processes on the devices
      </Title>
      {facts.strangers.length > 0 && <Strangers all={facts.strangers} run={run} />}
      {facts.strangers.length === 0 && facts.untold.length === 0 && <Text size="sm">None was seen.</Text>}
      {facts.untold.length > 0 && <Sentences all={facts.untold} none="" unknown="" />}
    </Card>
  );
}

function Sentences({ all, none, unknown }: { all: string[] | null; none: string; unknown: string }) {
  if (all === null || all.length === 0) return <Text size="sm">{all === null ? unknown : none}</Text>;
  return (
    <List size="sm" style={{ overflowWrap: "anywhere" }}>
      {all.map((sentence) => (
        <List.Item key={sentence}>{sentence}</List.Item>
      ))}
    </List>
  );
}

function Strangers({ all, run }: { all: Stranger[]; run: RunDetail }) {
  const nameOf = (id: string) => run.devices.find(({ device_id }) => device_id === id)?.name ?? id;
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table aria-label="Other processes">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Process</Table.Th>
            <Table.Th>Device</Table.Th>
            <Table.Th ta="right">Memory</Table.Th>
            <Table.Th ta="right">Use of the device</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all.map((one) => (
            <Table.Tr key={`${one.device} ${one.pid}`}>
              <Table.Td>
                {one.name ?? "unnamed"} ({one.pid})
                <Text size="xs" c="dimmed">
                  {one.isDesktop ? "the desktop" : (one.kind?.replaceAll("_", " ") ?? "")}
                </Text>
              </Table.Td>
              <Table.Td>{nameOf(one.device)}</Table.Td>
              <Table.Td ta="right">
                <Quantity text={si(one.memoryBytes, "B")} missing="the driver does not tell" />
              </Table.Td>
              <Table.Td ta="right">
                <Quantity text={plain(one.utilizationPct, "%", 0)} missing="the driver does not tell" />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
