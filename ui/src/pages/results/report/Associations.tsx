// Whether the energy of an experiment follows the temperature at the start, or the position in the campaign.
import { Card, Grid, Select, Text, Title } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";

import type { CampaignReport, ExperimentSummary, Line, Provenance } from "../../../api/bindings";
import { associationOption, type Dot } from "../../../charts/association";
import { Figure } from "../../../charts/Figure";
import { ProvenanceMark } from "../../../components/Quantity";
import { PALETTE } from "../../../lib/colors";
import type { ProvenanceOf } from "./CampaignReport";
import { AGAINST, hint, noLine, percents, slopeText, type Against } from "./words";

export function Associations({
  report,
  provenanceOf,
}: {
  report: CampaignReport;
  provenanceOf: ProvenanceOf;
}) {
  const withRuns = report.experiments.filter(({ points }) => points.length > 0);
  const [chosen, choose] = useState<string | null>(null);
  const summary = withRuns.find(({ quality }) => quality.experiment === chosen) ?? withRuns[0];
  if (summary === undefined) return null;
  const name = summary.quality.experiment;
  return (
    <Card>
      <Title order={2} mb="xs">
        Does energy follow temperature or order?
      </Title>
      <Select
        label="Experiment"
        size="xs"
        maw={420}
        mb="sm"
        allowDeselect={false}
        data={withRuns.map(({ quality }) => quality.experiment)}
        value={name}
        onChange={choose}
      />
      <Grid>
        {AGAINST.map((against) => (
          <Grid.Col key={against.key} span={{ base: 12, md: 6 }}>
            <Association key={name} summary={summary} against={against} provenance={provenanceOf(name)} />
          </Grid.Col>
        ))}
      </Grid>
      <StandOut summary={summary} />
      <Text size="xs" c="dimmed" mt="xs">
        A slope is no cause: position and temperature often rise together. Where an interval holds 0, no
        change is seen. p-values are not corrected for being many.
      </Text>
    </Card>
  );
}

type Shown = { summary: ExperimentSummary; against: Against; provenance: Provenance | null };

function Association({ summary, against, provenance }: Shown) {
  const line = summary[against.key];
  if (line !== null)
    return <Scatter summary={summary} against={against} provenance={provenance} line={line} />;
  return (
    <>
      <Text size="sm" fw={600}>
        {against.label}
      </Text>
      <Text size="sm">{noLine(percents(summary, against).length, against)}</Text>
    </>
  );
}

function Scatter({ summary, against, provenance, line }: Shown & { line: Line }) {
  const dots = useMemo(
    (): Dot[] =>
      percents(summary, against).map(({ point, x, y }) => ({
        name: `cycle ${point.cycle}`,
        x,
        y,
        standsOut: point.outlier,
      })),
    [summary, against],
  );
  const mark = provenance === null || provenance === "measured" ? "" : `, ${provenance}`;
  const axis = `J/token, % of the mean${mark}`;
  const draw = useCallback(
    (ink: string) =>
      associationOption(
        { name: against.axis, from0: against.from0 },
        axis,
        { color: PALETTE[0], ink },
        { dots, line: shifted(line, against) },
      ),
    [against, axis, dots, line],
  );
  const told = slopeText(line, against);
  return (
    <>
      <Figure name={against.label} height={250} draw={draw} spoken={told} />
      <Text size="sm" component="div">
        {told} <ProvenanceMark of={provenance} />
      </Text>
    </>
  );
}

/** The engine counts positions from 0, the page from 1. */
function shifted(line: Line, { key }: Against): Line {
  return key === "by_position" ? { ...line, intercept: line.intercept - line.slope } : line;
}

function StandOut({ summary }: { summary: ExperimentSummary }) {
  const statistic = summary.joules_per_output_token;
  const flagged = summary.points.filter(({ outlier }) => outlier).map(({ cycle }) => `cycle ${cycle}`);
  if (statistic === null || flagged.length === 0) return null;
  const weak = hint(statistic) === null ? "" : `, a ${hint(statistic)} of ${statistic.n} values`;
  return (
    <Text size="sm" mt="xs">
      Triangles stand out: {flagged.join(", ")}
      {weak}. They count like any other run; a flag is a reason to look at one.
    </Text>
  );
}
