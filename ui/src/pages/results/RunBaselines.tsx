// What the devices draw without work, and what of the run's energy lies above it. The energy as measured stands first on
// the page; this is read beside it, and never without the name of its baseline.
import { Badge, Card, Table, Text, Title } from "@mantine/core";

import type { RunBaseline, RunDetail } from "../../api/bindings";
import { Quantity } from "../../components/Quantity";
import { duration, MISSING, plain, si, uncertain } from "../../lib/format";

const KINDS: Record<string, string> = {
  bare: "nothing ran",
  context: "the device was opened, no model was loaded",
  loaded: "the model was loaded, nothing was asked of it",
};

export function RunBaselines({ run }: { run: RunDetail }) {
  if (run.status !== "completed") return null;
  return (
    <Card>
      <Title order={2} mb="xs">
        Baselines
      </Title>
      {run.baselines.length === 0 ? (
        <Text size="sm">No baseline was taken: there is no energy above one.</Text>
      ) : (
        <BaselineTable run={run} />
      )}
    </Card>
  );
}

function BaselineTable({ run }: { run: RunDetail }) {
  return (
    <>
      <Table.ScrollContainer minWidth={860}>
        <Table aria-label="Baselines">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Baseline</Table.Th>
              <Table.Th ta="right">Power</Table.Th>
              <Table.Th ta="right">Standard deviation</Table.Th>
              <Table.Th ta="right">Temperature</Table.Th>
              <Table.Th ta="right">Taken for</Table.Th>
              <Table.Th ta="right">Age</Table.Th>
              <Table.Th ta="right">Drift</Table.Th>
              <Table.Th ta="right">Energy above it</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {run.baselines.map((baseline) => (
              <BaselineRow key={baseline.kind} baseline={baseline} run={run} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="xs" c="dimmed" mt="xs">
        Of all devices together. Energy above a baseline covers the window alone. Kinds of baselines differ by
        tens of watts: compare energies above the same kind only.
      </Text>
    </>
  );
}

function BaselineRow({ baseline, run }: { baseline: RunBaseline; run: RunDetail }) {
  const { kind, chosen, drift, withheld } = baseline;
  const drifted = drift === null ? MISSING : plain(100 * drift, "%");
  const above = uncertain(baseline.adjusted_energy_j, baseline.adjusted_energy_uncertainty_j, "J");
  return (
    <Table.Tr>
      <Table.Td>
        {kind}{" "}
        {chosen && (
          <Badge size="sm" variant="light" tt="none" title="the campaign asked for this one">
            chosen
          </Badge>
        )}
        <Text size="xs" c="dimmed">
          {KINDS[kind] ?? ""}
        </Text>
      </Table.Td>
      <Table.Td ta="right">
        <Quantity
          text={uncertain(baseline.power_w, baseline.power_uncertainty_w, "W")}
          provenance={run.provenance}
        />
      </Table.Td>
      <Table.Td ta="right">
        <Quantity
          text={si(baseline.sd_w, "W")}
          provenance={run.provenance}
          missing="a device reports no power"
        />
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={plain(baseline.temperature_c, "°C", 0)} missing="no device has a thermometer" />
      </Table.Td>
      <Table.Td ta="right">{duration(baseline.duration_s)}</Table.Td>
      <Table.Td ta="right">{duration(baseline.age_s)}</Table.Td>
      <Table.Td ta="right">
        <Quantity text={drifted} missing="it was not looked at again" />
      </Table.Td>
      <Table.Td ta="right">
        {withheld === null ? (
          <Quantity text={above} provenance={run.provenance} missing="no energy is known" />
        ) : (
          <Text size="xs" c="orange">
            withheld: {withheld}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
