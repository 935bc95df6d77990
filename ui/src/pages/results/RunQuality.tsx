// How far the figures of a run can be trusted, and why.
import { Card, Group, Text, Title, Tooltip } from "@mantine/core";

import type { QualityGrade, QualityReport, RunDetail } from "../../api/bindings";
import { GradeBadge } from "../../components/GradeBadge";
import { GRADES, reasons } from "../../lib/grades";
import { Checks } from "./ChecksTable";

/** How many sentences a tooltip can hold. */
const TOLD = 4;

/** The grade beside the title, with the sentences that it rests on. */
export function RunGrade({ report }: { report: QualityReport }) {
  const why = reasons(report);
  const lines = why.length === 0 ? [GRADES[report.grade].meaning] : why.slice(0, TOLD);
  return (
    <Tooltip
      multiline
      maw={420}
      label={
        <>
          {lines.map((line) => (
            <div key={line}>{line}</div>
          ))}
          {why.length > TOLD && <div>and {why.length - TOLD} more</div>}
        </>
      }
    >
      <span role="note" tabIndex={0} aria-label="Grade" style={{ flexShrink: 0 }}>
        <GradeBadge grade={report.grade} />
      </span>
    </Tooltip>
  );
}

export function RunQuality({ run }: { run: RunDetail }) {
  const report = run.quality;
  // A run that did not complete has no figures to be trusted.
  if (report === null && run.status !== "completed") return null;
  return (
    <Card>
      <Group gap="xs" mb="xs">
        <Title order={2}>Quality</Title>
        {report !== null && <GradeBadge grade={report.grade} />}
      </Group>
      {report === null ? (
        <Text size="sm">The run was made by a version that made no checks: it has no grade.</Text>
      ) : (
        <>
          <Meaning grade={report.grade} />
          <Checks checks={report.checks} provenance={run.provenance} />
        </>
      )}
    </Card>
  );
}

function Meaning({ grade }: { grade: QualityGrade }) {
  const { meaning } = GRADES[grade];
  return (
    <Text size="sm" c="dimmed" mb="xs">
      {meaning.charAt(0).toUpperCase() + meaning.slice(1)}. What is not known does not lower a grade. Limits
      are conventions more often than physics, and no check sees the gain of the sensor.
    </Text>
  );
}
