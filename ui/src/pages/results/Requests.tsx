// What the requests of a run took: distributions of latency, of the first token, and of the gaps between tokens.
import { Card, SimpleGrid, Table, Text, Title } from "@mantine/core";

import type { RunDetail } from "../../api/bindings";
import { Figure } from "../../charts/Figure";
import { histogramOption } from "../../charts/options";
import { counted, plain } from "../../lib/format";
import { histogram, quantile } from "../../lib/quantile";

export function Requests({ run }: { run: RunDetail }) {
  const distributions = [
    { label: "End-to-end latency", values: run.request_records.map((request) => request.latency_ms) },
    { label: "Time to first token", values: run.request_records.flatMap((request) => request.ttft_ms ?? []) },
    { label: "Inter-token latency", values: run.request_records.flatMap((request) => request.itl_ms ?? []) },
  ].filter(({ values }) => values.length > 0);
  return (
    <Card>
      <Title order={2} mb="xs">
        {counted(run.request_records.length, "request")}
      </Title>
      <CutRequests run={run} />
      <SimpleGrid cols={{ base: 1, md: distributions.length }}>
        {distributions.map(({ label, values }) => (
          <Figure
            key={label}
            name={label}
            height={190}
            draw={() => histogramOption(label, "ms", histogram(values))}
            spoken={`${label}: median ${plain(quantile(values, 0.5), "ms")}`}
          />
        ))}
      </SimpleGrid>
      <Table aria-label="Quantiles of the requests" mt="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Milliseconds</Table.Th>
            {["least", "p50", "p95", "p99", "greatest"].map((name) => (
              <Table.Th key={name} ta="right">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {distributions.map(({ label, values }) => (
            <Table.Tr key={label}>
              <Table.Td>
                {label}
                <Text span size="xs" c="dimmed">
                  {" "}
                  n = {values.length}
                </Text>
              </Table.Td>
              {[0, 0.5, 0.95, 0.99, 1].map((q) => (
                <Table.Td key={q} ta="right">
                  {plain(quantile(values, q), "")}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

/** A server's requests that were under way when the window opened. */
function CutRequests({ run }: { run: RunDetail }) {
  const cut = run.request_records.flatMap((request) =>
    request.in_window === null ? [] : [{ all: request, inside: request.in_window }],
  );
  if (cut.length === 0) return null;
  const sum = (of: (one: (typeof cut)[number]) => number) => cut.reduce((total, one) => total + of(one), 0);
  const inside = sum((one) => one.inside.input_tokens + one.inside.output_tokens);
  const all = sum((one) => one.all.input_tokens + one.all.output_tokens);
  return (
    <Text size="sm" mb="xs">
      {cut.length} of them began before the window, which holds {inside} of their {all} tokens.
    </Text>
  );
}
