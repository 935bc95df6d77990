// The measured window by what its requests were doing, as far as the worker tells when they were under way.
import { Table, Text, Title } from "@mantine/core";

import type { RunDetail, WindowPart, WindowPartKind } from "../../api/bindings";
import { Quantity } from "../../components/Quantity";
import { duration, si, uncertain } from "../../lib/format";

const MEANING: Record<WindowPartKind, string> = {
  prefill: "requests were read, none was answered",
  decode: "requests were answered, none was read",
  mixed: "some were read while others were answered",
  between: "none was under way",
};

/** Nothing for runs of versions that did not divide the window. */
export function WindowParts({ run }: { run: RunDetail }) {
  if (run.window_parts.length === 0 && run.parts_withheld === null) return null;
  return (
    <>
      <Title order={3} size="h5" mt="md" mb="xs">
        Within the measured window
      </Title>
      {run.parts_withheld !== null ? (
        <Text size="sm">Prefill and decode are not told apart: {run.parts_withheld}.</Text>
      ) : (
        <>
          <PartsTable run={run} />
          <Withheld parts={run.window_parts} />
        </>
      )}
    </>
  );
}

function PartsTable({ run }: { run: RunDetail }) {
  return (
    <Table aria-label="Parts of the measured window">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Part</Table.Th>
          <Table.Th ta="right">Time</Table.Th>
          <Table.Th ta="right">Stretches</Table.Th>
          <Table.Th ta="right">Energy</Table.Th>
          <Table.Th ta="right">Mean power</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {run.window_parts.map((part) => (
          <PartRow key={part.part} part={part} run={run} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Beneath the table: a reason takes more room than its columns have. */
function Withheld({ parts }: { parts: WindowPart[] }) {
  return parts.map(
    ({ part, withheld }) =>
      withheld !== null && (
        <Text key={part} size="xs" c="orange" mt="xs">
          Energy of {part} withheld: {withheld}.
        </Text>
      ),
  );
}

function PartRow({ part, run }: { part: WindowPart; run: RunDetail }) {
  const power = part.energy_j === null ? null : part.energy_j / part.seconds;
  return (
    <Table.Tr>
      <Table.Td>
        {part.part}
        <Text size="xs" c="dimmed">
          {MEANING[part.part]}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{duration(part.seconds)}</Table.Td>
      <Table.Td ta="right">{part.stretches}</Table.Td>
      <Table.Td ta="right">
        <Quantity
          text={uncertain(part.energy_j, part.energy_uncertainty_j, "J")}
          provenance={run.provenance}
          missing={part.withheld}
        />
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={si(power, "W")} provenance={run.provenance} missing={part.withheld} />
      </Table.Td>
    </Table.Tr>
  );
}
