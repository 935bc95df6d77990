// What follows from a run by a formula and is measured by nobody: operations, utilization, carbon and cost.
import { Card, Table, Text, Title, Tooltip } from "@mantine/core";

import type { Derived, ResultRow, RunMetrics } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Loading } from "../../components/Page";
import { ModelMark, Quantity } from "../../components/Quantity";
import { MISSING, money, plain, uncertain } from "../../lib/format";
import { FORMULAS } from "../../lib/formulas";

type Write = (value: number, uncertainty: number | null) => string;

const inUnit =
  (unit: string): Write =>
  (value, uncertainty) =>
    uncertain(value, uncertainty, unit);
const share: Write = (value) => plain(100 * value, "%");
const amount: Write = (value, uncertainty) =>
  uncertainty === null ? money(value) : `${money(value)} ± ${money(uncertainty)}`;

/** In the order of a page, with how each is written. */
const SHOWN: readonly { key: keyof RunMetrics; write: Write }[] = [
  { key: "parameter_flops", write: inUnit("FLOP") },
  { key: "attention_flops", write: inUnit("FLOP") },
  { key: "total_flops", write: inUnit("FLOP") },
  { key: "flops_per_second", write: inUnit("FLOP/s") },
  { key: "flops_per_joule", write: inUnit("FLOP/J") },
  { key: "mfu", write: share },
  { key: "mfu_with_attention", write: share },
  { key: "mbu", write: share },
  { key: "prefill_joules_per_input_token", write: inUnit("J/token") },
  { key: "decode_joules_per_output_token", write: inUnit("J/token") },
  { key: "carbon_g", write: inUnit("gCO2e") },
  { key: "energy_cost", write: amount },
  { key: "device_cost", write: amount },
  { key: "total_cost", write: amount },
];

export function RunDerived({ run }: { run: Pick<ResultRow, "run_id" | "provenance"> }) {
  const metrics = useHostQuery("metrics", [run.run_id], (host) => host.runMetrics(run.run_id));
  return (
    <Card>
      <Title order={2} mb="xs">
        Derived
      </Title>
      {metrics.error && <ErrorNotice error={metrics.error} onRetry={() => void metrics.refetch()} />}
      {metrics.data === undefined && !metrics.error && <Loading what="Deriving" />}
      {metrics.data && (
        <Table.ScrollContainer minWidth={620}>
          <Table aria-label="Derived values">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Quantity</Table.Th>
                <Table.Th>Value</Table.Th>
                <Table.Th>What to know of it</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {SHOWN.map(({ key, write }) => (
                <DerivedRow key={key} derived={metrics.data[key]} write={write} provenance={run.provenance} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Card>
  );
}

function DerivedRow(props: { derived: Derived; write: Write; provenance: ResultRow["provenance"] }) {
  const { derived, write, provenance } = props;
  const formula = FORMULAS[derived.formula];
  const reasons = derived.missing.map(({ reason }) => reason);
  return (
    <Table.Tr>
      <Table.Td>
        <Tooltip multiline maw={460} label={<FormulaTip derived={derived} />}>
          <span role="note" tabIndex={0} style={{ borderBottom: "1px dotted currentColor" }}>
            {formula.label}
          </span>
        </Tooltip>
      </Table.Td>
      <Table.Td>
        <Quantity
          text={text(derived, write)}
          provenance={formula.ofEnergy ? provenance : null}
          missing={reasons.join("; ")}
        />{" "}
        {derived.modelled && derived.value !== null && <ModelMark />}
      </Table.Td>
      <Table.Td>
        {[...reasons, ...derived.notes].map((sentence) => (
          <Text key={sentence} size="xs" c="dimmed">
            {sentence}
          </Text>
        ))}
      </Table.Td>
    </Table.Tr>
  );
}

function text({ value, uncertainty }: Derived, write: Write): string {
  return value === null ? MISSING : write(value, uncertainty);
}

function FormulaTip({ derived }: { derived: Derived }) {
  const { expression, source, without } = FORMULAS[derived.formula];
  return (
    <>
      <div>{expression}</div>
      <div>Source: {source}.</div>
      <div>Not in it: {without}.</div>
    </>
  );
}
