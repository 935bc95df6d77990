// Experiments side by side: means with intervals, the spread of the cycles, energy against speed, and what differs
// between their configurations.
import { Card, Grid, SegmentedControl, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";

import type { Compared, Comparison, Metrics, Value } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { Figure } from "../../charts/Figure";
import { barsOption, frontOption } from "../../charts/options";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Empty, Loading, Page } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { backendColor } from "../../lib/colors";
import { digits, MISSING } from "../../lib/format";
import { paretoFront } from "../../lib/pareto";
import { weakest } from "../../lib/provenance";
import { caution, meanText, METRICS, type Metric } from "./metrics";
import { Pairs } from "./Pairs";

export function ComparePage() {
  const { e } = useSearch({ from: "/results/compare" });
  const wanted = e.map((reference) => {
    const at = reference.indexOf("~");
    return { campaign_id: reference.slice(0, at), experiment: reference.slice(at + 1) };
  });
  const comparison = useHostQuery("compare", [e], (host) => host.compare(wanted));
  return (
    <Page title="Compare" ready={!comparison.isPending}>
      {comparison.error && <ErrorNotice error={comparison.error} onRetry={() => void comparison.refetch()} />}
      {comparison.data === undefined && !comparison.error && <Loading what="Reading the experiments" />}
      {comparison.data && <SideBySide comparison={comparison.data} />}
    </Page>
  );
}

function SideBySide({ comparison }: { comparison: Comparison }) {
  return (
    <Stack>
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Bars experiments={comparison.experiments} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Front experiments={comparison.experiments} />
        </Grid.Col>
      </Grid>
      <Pairs comparison={comparison} />
      <Differences comparison={comparison} />
      <Numbers experiments={comparison.experiments} />
    </Stack>
  );
}

/** The unit, and whether the energy in it was measured. */
function axisLabel(metric: Metric, experiments: Compared[]): string {
  const provenance = weakest(experiments.flatMap(({ group }) => group.provenance ?? []));
  const mark = metric.energy && provenance !== null && provenance !== "measured" ? `, ${provenance}` : "";
  return `${metric.label}, ${metric.unit}${mark}`;
}

function Bars({ experiments }: { experiments: Compared[] }) {
  const [key, setKey] = useState<keyof Metrics>("joules_per_output_token");
  const metric = METRICS.find((other) => other.key === key) ?? METRICS[0];
  const bars = useMemo(
    () =>
      experiments.flatMap(({ experiment, backend, group }) => {
        const statistic = group.metrics[key];
        if (statistic === null) return [];
        const { mean, ci_low: low, ci_high: high, values } = statistic;
        return [{ name: experiment, color: backendColor(backend), mean, low, high, values }];
      }),
    [experiments, key],
  );
  const axis = metric ? axisLabel(metric, experiments) : "";
  const draw = useCallback((ink: string) => barsOption(axis, bars, ink), [axis, bars]);
  return (
    <Card>
      <Select
        size="xs"
        aria-label="Quantity"
        data={METRICS.map(({ key: value, label }) => ({ value, label }))}
        value={key}
        onChange={(value) => value !== null && setKey(value as keyof Metrics)}
        w={260}
      />
      {bars.length === 0 ? (
        <Empty title="No values">None of the experiments has a completed run with this quantity.</Empty>
      ) : (
        <Figure
          name={axis}
          height={330}
          draw={draw}
          spoken={bars.map((bar) => `${bar.name}: ${digits(bar.mean)}`).join("; ")}
        />
      )}
      <Text size="xs" c="dimmed">
        Bars are means, whiskers 95 % intervals, circles single cycles.
      </Text>
    </Card>
  );
}

const OTHERS = {
  tokens_per_second: { label: "Throughput, tokens/s", better: "more" },
  ttft_ms_p50: { label: "Time to first token, ms", better: "less" },
} as const;

function Front({ experiments }: { experiments: Compared[] }) {
  const [other, setOther] = useState<keyof typeof OTHERS>("tokens_per_second");
  const { label, better } = OTHERS[other];
  const points = useMemo(() => {
    const known = experiments.flatMap(({ experiment, backend, group }) => {
      const cost = group.metrics.joules_per_output_token?.mean;
      const value = group.metrics[other]?.mean;
      return cost === undefined || value === undefined ? [] : [{ experiment, backend, cost, other: value }];
    });
    const front = paretoFront(known, better);
    return known.map((point, index) => ({
      name: point.experiment,
      color: backendColor(point.backend),
      x: point.other,
      y: point.cost,
      onFront: front[index] ?? false,
    }));
  }, [experiments, other, better]);
  const cost = METRICS[0] ? axisLabel(METRICS[0], experiments) : "";
  const draw = useCallback(() => frontOption(label, cost, points), [label, cost, points]);
  const best = points.filter((point) => point.onFront).map((point) => point.name);
  return (
    <Card>
      <SegmentedControl
        size="xs"
        aria-label="Against"
        data={[
          { value: "tokens_per_second", label: "against throughput" },
          { value: "ttft_ms_p50", label: "against time to first token" },
        ]}
        value={other}
        onChange={(value) => setOther(value as keyof typeof OTHERS)}
      />
      {points.length === 0 ? (
        <Empty title="No values">The experiments have no completed runs with both quantities.</Empty>
      ) : (
        <Figure
          name="Energy against speed"
          height={330}
          draw={draw}
          spoken={`On the Pareto front: ${best.join(", ")}`}
        />
      )}
      <Text size="xs" c="dimmed">
        Diamonds: no other experiment is better in both. {best.join(", ")}
      </Text>
    </Card>
  );
}

function valueText(value: Value | null): string {
  if (value === null) return MISSING;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Differences({ comparison }: { comparison: Comparison }) {
  return (
    <Card>
      <Title order={2} mb="xs">
        What differs
      </Title>
      {comparison.differences.length === 0 ? (
        <Text size="sm">Their configurations are the same.</Text>
      ) : (
        <Table.ScrollContainer minWidth={500}>
          <Table aria-label="Differences of the configurations">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Parameter</Table.Th>
                {comparison.experiments.map((one) => (
                  <Table.Th key={`${one.campaign_id}${one.experiment}`}>{one.experiment}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {comparison.differences.map((difference) => (
                <Table.Tr key={difference.parameter}>
                  <Table.Td className="mono">{difference.parameter}</Table.Td>
                  {comparison.experiments.map((one, index) => (
                    <Table.Td key={`${one.campaign_id}${one.experiment}`}>
                      {valueText(difference.values[index] ?? null)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Card>
  );
}

function Numbers({ experiments }: { experiments: Compared[] }) {
  return (
    <Card>
      <Title order={2} mb="xs">
        Statistics
      </Title>
      <Table.ScrollContainer minWidth={800}>
        <Table aria-label="Statistics of the experiments">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Experiment</Table.Th>
              <Table.Th ta="right">n</Table.Th>
              {METRICS.map((metric) => (
                <Table.Th key={metric.key} ta="right">
                  {metric.label}, {metric.unit}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {experiments.map(({ experiment, campaign_id, campaign_name, group }) => (
              <Table.Tr key={`${campaign_id}${experiment}`}>
                <Table.Td>
                  {experiment}
                  <Text size="xs" c="dimmed">
                    {campaign_name}
                  </Text>
                </Table.Td>
                <Table.Td ta="right" title={caution(group.n) ?? ""}>
                  {group.n}
                </Table.Td>
                {METRICS.map((metric) => (
                  <Table.Td key={metric.key} ta="right">
                    <Quantity
                      text={meanText(group.metrics[metric.key])}
                      provenance={metric.energy ? group.provenance : null}
                      missing={caution(group.n) ?? "no run has a value"}
                    />
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}
