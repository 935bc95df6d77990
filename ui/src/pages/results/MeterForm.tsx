// What is said about an external power meter before its file is chosen: how its clock is brought in line, and what it is worth.
import {
  Alert,
  Button,
  Collapse,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { modals } from "@mantine/modals";
import { useState } from "react";

import type { MeterImport, MeterOptions, MeterTarget } from "../../api/bindings";
import { sentence, useHostAction, type Subject } from "../../api/queries";
import { digits, uncertain } from "../../lib/format";

export const METER_STALE: readonly Subject[] = ["result", "results"];

const FIRST: MeterOptions = {
  name: null,
  time_column: null,
  power_column: null,
  zone: null,
  start: null,
  alignment: "clock",
  offset_s: 0,
  clock_error_s: null,
  accuracy_percent: null,
  replace: false,
};

/** Opens the form over the page. */
export function askForMeter(target: MeterTarget, replaces: boolean): void {
  const modalId = modals.open({
    title: "Import the readings of a power meter",
    size: "lg",
    children: <MeterForm target={target} replaces={replaces} onDone={() => modals.close(modalId)} />,
  });
}

export function MeterForm(props: { target: MeterTarget; replaces: boolean; onDone: () => void }) {
  const [options, setOptions] = useState<MeterOptions>({ ...FIRST, replace: props.replaces });
  const bring = useHostAction((host) => host.importMeter(props.target, options), METER_STALE, {
    quiet: true,
  });
  const change = (some: Partial<MeterOptions>) => setOptions((before) => ({ ...before, ...some }));
  const runs = bring.data?.runs ?? [];
  if (bring.data && runs.length > 0) return <Imported imported={bring.data} onDone={props.onDone} />;
  return (
    <Stack gap="sm">
      <Text size="sm">
        A CSV file with a column of times and one of watts. Its energy stands beside that of the devices,
        which it contains; nothing is added to anything.
      </Text>
      <Clock options={options} onChange={change} />
      <Group grow align="start">
        <TextInput
          label="Name"
          placeholder="the name of the file"
          value={options.name ?? ""}
          onChange={(event) => change({ name: event.currentTarget.value || null })}
        />
        <NumberInput
          label="Accuracy, % of a reading"
          placeholder="not known"
          min={0}
          max={100}
          value={options.accuracy_percent ?? ""}
          onChange={(value) => change({ accuracy_percent: typeof value === "number" ? value : null })}
        />
      </Group>
      <FileDetails options={options} onChange={change} />
      {"campaign" in props.target && (
        <Switch
          label="Replace a meter that a run has already"
          checked={options.replace}
          onChange={(event) => change({ replace: event.currentTarget.checked })}
        />
      )}
      {bring.error && <Refused error={bring.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onDone}>
          Cancel
        </Button>
        <Button loading={bring.isPending} onClick={() => bring.mutate(undefined)}>
          Choose the file…
        </Button>
      </Group>
    </Stack>
  );
}

type Part = { options: MeterOptions; onChange: (some: Partial<MeterOptions>) => void };

function Clock({ options, onChange }: Part) {
  const byPower = options.alignment === "power";
  return (
    <Stack gap="xs">
      <SegmentedControl
        aria-label="How its clock is brought in line"
        data={[
          { value: "clock", label: "By its clock" },
          { value: "power", label: "By its power" },
        ]}
        value={options.alignment}
        onChange={(value) => onChange({ alignment: value as "clock" | "power" })}
      />
      <Text size="xs" c="dimmed">
        {byPower
          ? "The offset is looked for at which its power follows that of the devices best, up to two minutes to either side."
          : "Its times are right but for an offset, and an error that becomes a part of the uncertainty."}
      </Text>
      <Group grow align="start">
        <NumberInput
          label="Offset, s"
          description="Added to its times"
          value={options.offset_s}
          onChange={(value) => onChange({ offset_s: typeof value === "number" ? value : 0 })}
        />
        <NumberInput
          label="Clock error, s"
          description="How far it may be off"
          placeholder="0.8"
          min={0}
          disabled={byPower}
          value={options.clock_error_s ?? ""}
          onChange={(value) => onChange({ clock_error_s: typeof value === "number" ? value : null })}
        />
      </Group>
    </Stack>
  );
}

/** What most files tell by themselves. */
function FileDetails({ options, onChange }: Part) {
  const [open, { toggle }] = useDisclosure(false);
  const text = (key: "time_column" | "power_column" | "start", label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={options[key] ?? ""}
      onChange={(event) => onChange({ [key]: event.currentTarget.value || null })}
    />
  );
  return (
    <div>
      <Button variant="subtle" size="compact-sm" aria-expanded={open} onClick={toggle}>
        Columns and times of the file
      </Button>
      <Collapse expanded={open}>
        <Stack gap="xs" pt="xs">
          <Group grow align="start">
            {text("time_column", "Column of times", "found by its name")}
            {text("power_column", "Column of power", "found by its name")}
          </Group>
          <Group grow align="start">
            <Select
              label="Zone of dates that name none"
              data={[
                { value: "local", label: "that of this machine" },
                { value: "utc", label: "UTC" },
              ]}
              value={options.zone ?? "local"}
              onChange={(zone) => onChange({ zone: zone === "local" ? null : zone })}
            />
            {text("start", "Begin of the log", "for times that count from it")}
          </Group>
        </Stack>
      </Collapse>
    </div>
  );
}

function Refused({ error }: { error: Error }) {
  const { message, hint } = sentence(error);
  return (
    <Alert color="red" title={message} role="alert">
      {hint}
    </Alert>
  );
}

/** What became of each run: shown until it is read, for some of them may have been missed. */
function Imported({ imported, onDone }: { imported: MeterImport; onDone: () => void }) {
  const notes = [...imported.notes, ...imported.runs.flatMap((run) => run.meter?.notes ?? [])];
  return (
    <Stack gap="sm">
      <Text size="sm">
        {imported.file}: {imported.readings.toLocaleString("en")} readings.
      </Text>
      <Table.ScrollContainer minWidth={560} mah={320}>
        <Table aria-label="Imported runs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Run</Table.Th>
              <Table.Th ta="right">By the meter</Table.Th>
              <Table.Th ta="right">Offset, s</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {imported.runs.map(({ run_id, experiment, cycle, meter, skipped }) => (
              <Table.Tr key={run_id}>
                <Table.Td>
                  {experiment}, cycle {cycle}
                </Table.Td>
                {meter === null ? (
                  <Table.Td colSpan={2}>
                    <Text size="xs" c="orange">
                      not imported: {skipped}
                    </Text>
                  </Table.Td>
                ) : (
                  <>
                    <Table.Td ta="right">
                      {meter.withheld ?? uncertain(meter.energy_j, meter.energy_uncertainty_j, "J")}
                    </Table.Td>
                    <Table.Td ta="right">
                      {digits(meter.offset_s)} ± {digits(meter.offset_uncertainty_s)}
                    </Table.Td>
                  </>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {[...new Set(notes)].map((note) => (
        <Text key={note} size="xs" c="dimmed">
          {note}
        </Text>
      ))}
      <Group justify="flex-end">
        <Button onClick={onDone}>Done</Button>
      </Group>
    </Stack>
  );
}
