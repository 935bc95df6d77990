// The experiments of a campaign with their grades and the statistics of joules per output token.
import { Anchor, Group, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import type { CampaignReport, ExperimentSummary, Interval, Provenance } from "../../../api/bindings";
import { GradeBadge } from "../../../components/GradeBadge";
import { Quantity } from "../../../components/Quantity";
import { MISSING, precise, range } from "../../../lib/format";
import type { ProvenanceOf } from "./CampaignReport";
import { hint, percent, WHY } from "./words";

const UNIT = "J/token";

export function ExperimentsTable(props: { report: CampaignReport; provenanceOf: ProvenanceOf }) {
  return (
    <>
      <Table.ScrollContainer minWidth={940}>
        <Table aria-label="Experiments of the campaign">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Experiment</Table.Th>
              <Table.Th ta="right">Runs</Table.Th>
              <Table.Th>Grades of the runs</Table.Th>
              <Table.Th ta="right">Mean</Table.Th>
              <Table.Th ta="right">95 % interval (Student)</Table.Th>
              <Table.Th ta="right">95 % interval (bootstrap)</Table.Th>
              <Table.Th ta="right">CV</Table.Th>
              <Table.Th ta="right">Median</Table.Th>
              <Table.Th>Stand out</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {props.report.experiments.map((summary) => (
              <ExperimentRow
                key={summary.quality.experiment}
                summary={summary}
                provenance={props.provenanceOf(summary.quality.experiment)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="xs" c="dimmed" mt="xs">
        Energy per output token of completed runs; no run is left out. Student&apos;s interval is the one to
        report. Intervals cover the spread of the runs, not the gain of the sensor.
      </Text>
    </>
  );
}

function between(interval: Interval | null): string {
  return interval === null ? MISSING : range(interval.low, interval.high, UNIT);
}

function ExperimentRow(props: { summary: ExperimentSummary; provenance: Provenance | null }) {
  const { summary, provenance } = props;
  const statistic = summary.joules_per_output_token;
  const low = statistic?.ci_low ?? null;
  const high = statistic?.ci_high ?? null;
  const student = low === null || high === null ? null : { low, high };
  const half = student === null ? null : (student.high - student.low) / 2;
  const energies: [string, string, string][] = [
    ["mean", precise(statistic?.mean, half, UNIT), WHY.mean],
    ["interval", between(student), statistic === null ? WHY.mean : WHY.interval],
    ["bootstrap", between(summary.bootstrap), WHY.bootstrap],
  ];
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: "anywhere", minWidth: 180 }}>{summary.quality.experiment}</Table.Td>
      <Table.Td ta="right">{summary.points.length}</Table.Td>
      <Table.Td>
        <Grades summary={summary} />
      </Table.Td>
      {energies.map(([key, text, missing]) => (
        <Table.Td key={key} ta="right">
          <Quantity text={text} provenance={provenance} missing={missing} />
        </Table.Td>
      ))}
      <Table.Td ta="right">
        <Quantity text={percent(statistic?.cv)} missing={WHY.cv} />
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={precise(statistic?.median, half, UNIT)} provenance={provenance} missing={WHY.mean} />
      </Table.Td>
      <Table.Td>
        <Outliers summary={summary} />
      </Table.Td>
    </Table.Tr>
  );
}

function Grades({ summary: { grades, points } }: { summary: ExperimentSummary }) {
  if (grades.length === 0) {
    const why = points.length === 0 ? "no completed run" : "the runs were made by a version without grades";
    return <Quantity text={MISSING} missing={why} />;
  }
  return (
    <Group gap={4} role="list" aria-label="Grades">
      {grades.map(({ grade, runs }) => (
        <span key={grade} role="listitem">
          <GradeBadge grade={grade} count={runs} />
        </span>
      ))}
    </Group>
  );
}

function Outliers({ summary }: { summary: ExperimentSummary }) {
  const statistic = summary.joules_per_output_token;
  const flagged = summary.points.filter(({ outlier }) => outlier);
  if (statistic === null || statistic.n < 3) return <Quantity text={MISSING} missing={WHY.outliers} />;
  if (flagged.length === 0) return <>none</>;
  return (
    <>
      {flagged.map(({ run_id, cycle }, position) => (
        <span key={run_id}>
          {position > 0 && ", "}
          <Anchor component={Link} to={`/results/run/${run_id}`} size="sm">
            cycle {cycle}
          </Anchor>
        </span>
      ))}
      {hint(statistic) !== null && (
        <Text size="xs" c="dimmed">
          {hint(statistic)}: of {statistic.n} values
        </Text>
      )}
    </>
  );
}
