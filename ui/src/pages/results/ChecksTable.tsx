// Checks with their verdicts: what did not pass, the worst first; what passed is folded away, and there to be read.
import { Accordion, Table, Text } from "@mantine/core";

import type { Provenance, QualityCheck } from "../../api/bindings";
import { VerdictBadge } from "../../components/GradeBadge";
import { Quantity } from "../../components/Quantity";
import { plain } from "../../lib/format";
import { checkName, sorted } from "../../lib/grades";

/** A check, and what it is of where several are listed. */
export type Listed = QualityCheck & { of?: string };

/** Units whose numbers are as measured as the energy is. */
const OF_ENERGY: readonly string[] = ["J", "W", "J/token"];

/** Counts have no decimals. */
function valueText({ value, unit }: QualityCheck): string {
  return unit === "" && Number.isInteger(value) ? String(value) : plain(value, unit);
}

type Shown = { provenance?: Provenance | null };

export function ChecksTable({ name, checks, provenance }: Shown & { name: string; checks: Listed[] }) {
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table aria-label={name}>
        <Table.Thead>
          <Table.Tr>
            {checks.some(({ of }) => of !== undefined) && <Table.Th>Experiment</Table.Th>}
            <Table.Th w={100}>Verdict</Table.Th>
            <Table.Th>Check</Table.Th>
            <Table.Th ta="right">Value</Table.Th>
            <Table.Th>Why</Table.Th>
            <Table.Th>Limits</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {checks.map((check) => (
            <CheckRow key={`${check.of ?? ""} ${check.id}`} check={check} provenance={provenance ?? null} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function CheckRow({ check, provenance }: { check: Listed; provenance: Provenance | null }) {
  return (
    <Table.Tr>
      {check.of !== undefined && <Table.Td style={{ overflowWrap: "anywhere" }}>{check.of}</Table.Td>}
      <Table.Td>
        <VerdictBadge verdict={check.verdict} />
      </Table.Td>
      <Table.Td>{checkName(check.id)}</Table.Td>
      <Table.Td ta="right">
        <Quantity
          text={valueText(check)}
          provenance={OF_ENERGY.includes(check.unit) ? provenance : null}
          missing="the check has no number"
        />
      </Table.Td>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{check.why}</Table.Td>
      <Table.Td>
        <Text size="xs" c="dimmed">
          {check.threshold}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

/** What did not pass, and below it, folded, what did. */
export function Checks({ checks, provenance = null }: Shown & { checks: QualityCheck[] }) {
  const { open, passed } = sorted(checks);
  return (
    <>
      {open.length === 0 ? (
        <Text size="sm">Every check passed.</Text>
      ) : (
        <ChecksTable name="Checks that did not pass" checks={open} provenance={provenance} />
      )}
      {passed.length > 0 && (
        <Accordion variant="filled" order={3} mt="xs">
          <Accordion.Item value="passed">
            <Accordion.Control>
              {passed.length} {passed.length === 1 ? "check" : "checks"} passed
            </Accordion.Control>
            <Accordion.Panel>
              <ChecksTable name="Checks that passed" checks={passed} provenance={provenance} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </>
  );
}
