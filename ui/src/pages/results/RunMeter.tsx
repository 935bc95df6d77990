// What an external power meter saw of the run. It stands beside the energy of the devices, which it contains.
import { Alert, Button, Card, Group, Table, Text, Title } from "@mantine/core";
import { modals } from "@mantine/modals";

import type { RunDetail, RunMeter as Meter } from "../../api/bindings";
import { useHostAction } from "../../api/queries";
import { Quantity } from "../../components/Quantity";
import { digits, duration, MISSING, plain, si, uncertain } from "../../lib/format";
import { askForMeter, METER_STALE } from "./MeterForm";

export function RunMeter({ run }: { run: RunDetail }) {
  if (run.status !== "completed") return null;
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={2}>External power meter</Title>
        <Group gap="xs">
          {run.meter !== null && <Remove run={run} />}
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => askForMeter({ run: run.run_id }, run.meter !== null)}
          >
            {run.meter === null ? "Import readings…" : "Replace…"}
          </Button>
        </Group>
      </Group>
      {run.meter === null ? (
        <Text size="sm">
          No meter saw this run. The file of one at the wall can be imported; it becomes one more channel.
        </Text>
      ) : (
        <Seen run={run} meter={run.meter} />
      )}
    </Card>
  );
}

function Remove({ run }: { run: RunDetail }) {
  const remove = useHostAction((host) => host.removeMeter({ run: run.run_id }), METER_STALE);
  const ask = () =>
    modals.openConfirmModal({
      title: "Remove the meter?",
      children: (
        <Text size="sm">Its readings leave this run. The file stays, and can be imported again.</Text>
      ),
      labels: { confirm: "Remove", cancel: "Keep" },
      confirmProps: { color: "red" },
      onConfirm: () => remove.mutate(undefined),
    });
  return (
    <Button size="compact-sm" variant="subtle" color="red" loading={remove.isPending} onClick={ask}>
      Remove
    </Button>
  );
}

function Seen({ run, meter }: { run: RunDetail; meter: Meter }) {
  const share = run.meter_devices_share === null ? MISSING : plain(100 * run.meter_devices_share, "%", 0);
  const why = meter.withheld ?? "no energy is known";
  return (
    <>
      <Table.ScrollContainer minWidth={760}>
        <Table aria-label="External power meter">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Meter</Table.Th>
              <Table.Th ta="right">Energy of the window</Table.Th>
              <Table.Th ta="right">Per output token</Table.Th>
              <Table.Th ta="right">Share of the devices</Table.Th>
              <Table.Th ta="right">Reads every</Table.Th>
              <Table.Th ta="right">Clock moved by</Table.Th>
              <Table.Th ta="right">Correlation</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr>
              <Table.Td>
                {meter.name}
                <Text size="xs" c="dimmed">
                  {meter.file_name}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <Quantity text={uncertain(meter.energy_j, meter.energy_uncertainty_j, "J")} missing={why} />
              </Table.Td>
              <Table.Td ta="right">
                <Quantity text={si(run.meter_joules_per_output_token, "J/token")} missing={why} />
              </Table.Td>
              <Table.Td ta="right">
                <Quantity text={share} provenance={run.provenance} missing={why} />
              </Table.Td>
              <Table.Td ta="right">{duration(meter.interval_s)}</Table.Td>
              <Table.Td ta="right">
                {digits(meter.offset_s)} ± {digits(meter.offset_uncertainty_s)} s
                <Text size="xs" c="dimmed">
                  {meter.alignment === "power" ? "found by its power" : "as stated"}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <Quantity
                  text={meter.correlation === null ? MISSING : meter.correlation.toFixed(2)}
                  missing="its power or that of the devices does not change"
                />
              </Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {meter.withheld !== null && (
        <Text size="xs" c="orange">
          withheld: {meter.withheld}
        </Text>
      )}
      {meter.notes.length > 0 && (
        <Alert color="yellow" mt="xs" title="Worth knowing">
          {meter.notes.map((note) => (
            <Text key={note} size="sm">
              {note}
            </Text>
          ))}
        </Alert>
      )}
      <Text size="xs" c="dimmed" mt="xs">
        It contains the devices and the rest of the machine, and is added to nothing.
        {meter.accuracy === null
          ? " The meter's own accuracy was not stated and is not in the uncertainty."
          : ` Accuracy as stated: ${Number((100 * meter.accuracy).toPrecision(3))} % of a reading.`}
      </Text>
    </>
  );
}
