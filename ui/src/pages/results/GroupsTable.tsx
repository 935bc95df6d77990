// Statistics of groups of completed runs.
import { Button, Checkbox, Group as Row, MultiSelect, Table, Text, Tooltip } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Group, GroupColumn } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Empty, Loading } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { digits, MISSING, plain } from "../../lib/format";
import { caution, meanText, METRICS } from "./metrics";
import { queryOf, type View } from "./view";

const BY: { value: GroupColumn; label: string }[] = [
  { value: "campaign", label: "Campaign" },
  { value: "experiment", label: "Experiment" },
  { value: "backend", label: "Backend" },
  { value: "model", label: "Model" },
  { value: "cycle", label: "Cycle" },
];
const SHOWN = METRICS.slice(0, 5);

export function GroupsTable({ view }: { view: View }) {
  const [by, setBy] = useState<GroupColumn[]>(["campaign", "experiment"]);
  const [chosen, setChosen] = useState<string[]>([]);
  const query = queryOf(view);
  const groups = useHostQuery("statistics", [query, by], (host) => host.statistics(query, by));
  return (
    <>
      <Row mb="xs" align="flex-end">
        <MultiSelect
          label="Group by"
          data={BY}
          value={by}
          onChange={(value) => setBy(value as GroupColumn[])}
          w={420}
        />
        <Compare chosen={chosen} />
      </Row>
      {groups.error && <ErrorNotice error={groups.error} onRetry={() => void groups.refetch()} />}
      {groups.data === undefined && !groups.error && <Loading what="Computing statistics" />}
      {groups.data?.length === 0 && (
        <Empty title="No completed run">Statistics are of completed runs only.</Empty>
      )}
      {groups.data && groups.data.length > 0 && (
        <Table.ScrollContainer minWidth={900}>
          <Table aria-label="Statistics of groups" striped>
            <Head by={by} />
            <Table.Tbody>
              {groups.data.map((group, index) => (
                <GroupRow
                  key={reference(group) ?? index}
                  group={group}
                  by={by}
                  chosen={chosen}
                  onChoose={(ref) =>
                    setChosen((all) =>
                      all.includes(ref) ? all.filter((other) => other !== ref) : [...all, ref],
                    )
                  }
                />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Text size="xs" c="dimmed" mt="xs">
        Mean ± half the 95 % confidence interval (Student), with the coefficient of variation. It covers the
        spread of the runs, not the gain of the sensor.
      </Text>
    </>
  );
}

function Compare({ chosen }: { chosen: string[] }) {
  const navigate = useNavigate();
  return (
    <Button
      disabled={chosen.length < 2}
      onClick={() => void navigate({ to: "/results/compare", search: { e: chosen } })}
    >
      {chosen.length < 2 ? "Choose two or more to compare" : `Compare ${chosen.length}`}
    </Button>
  );
}

function Head({ by }: { by: GroupColumn[] }) {
  return (
    <Table.Thead>
      <Table.Tr>
        <Table.Th w={36} aria-label="Compare" />
        {BY.filter(({ value }) => by.includes(value)).map(({ value, label }) => (
          <Table.Th key={value}>{label}</Table.Th>
        ))}
        <Table.Th ta="right">n</Table.Th>
        {SHOWN.map((metric) => (
          <Table.Th key={metric.key} ta="right">
            {metric.label}, {metric.unit}
          </Table.Th>
        ))}
      </Table.Tr>
    </Table.Thead>
  );
}

/** What names the experiment of a group, if it is of one. */
function reference(group: Group): string | null {
  return group.campaign_id === null || group.experiment === null
    ? null
    : `${group.campaign_id}~${group.experiment}`;
}

function GroupRow(props: {
  group: Group;
  by: GroupColumn[];
  chosen: string[];
  onChoose: (ref: string) => void;
}) {
  const { group, by, chosen, onChoose } = props;
  const ref = reference(group);
  const names: Record<GroupColumn, string> = {
    campaign: group.campaign_name ?? MISSING,
    experiment: group.experiment ?? MISSING,
    backend: group.backend ?? MISSING,
    model: group.model ?? MISSING,
    cycle: group.cycle?.toString() ?? MISSING,
  };
  const warning = caution(group.n);
  return (
    <Table.Tr>
      <Table.Td>
        {ref !== null && (
          <Checkbox
            size="xs"
            aria-label={`Compare ${group.experiment}`}
            checked={chosen.includes(ref)}
            onChange={() => onChoose(ref)}
          />
        )}
      </Table.Td>
      {BY.filter(({ value }) => by.includes(value)).map(({ value }) => (
        <Table.Td key={value}>{names[value]}</Table.Td>
      ))}
      <Table.Td ta="right">
        <Tooltip label={warning ?? `${group.n} completed runs`}>
          <span role="note" tabIndex={0}>
            {group.n}
            {warning === null ? "" : " ⚠"}
          </span>
        </Tooltip>
      </Table.Td>
      {SHOWN.map((metric) => {
        const statistic = group.metrics[metric.key];
        return (
          <Table.Td key={metric.key} ta="right">
            <Quantity text={meanText(statistic)} provenance={metric.energy ? group.provenance : null} />
            {statistic?.cv != null && (
              <Text
                size="xs"
                c="dimmed"
                title={`standard deviation and coefficient of variation of ${statistic.n} values`}
              >
                SD {digits(statistic.sd ?? 0)} · CV {plain(statistic.cv * 100, "%")}
              </Text>
            )}
          </Table.Td>
        );
      })}
    </Table.Tr>
  );
}
