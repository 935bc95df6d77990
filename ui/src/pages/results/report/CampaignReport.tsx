// What the completed runs of a campaign say together: each experiment, the checks that did not pass, and whether energy
// follows the temperature at the start or the order.
import { Accordion, Card, Stack, Text, Title } from "@mantine/core";
import { useMemo } from "react";

import type { CampaignReport as Report, Provenance } from "../../../api/bindings";
import { useHostQuery } from "../../../api/queries";
import { ErrorNotice } from "../../../components/ErrorNotice";
import { Empty, Loading } from "../../../components/Page";
import { sorted } from "../../../lib/grades";
import { ChecksTable } from "../ChecksTable";
import { firstView, queryOf } from "../view";
import { Associations } from "./Associations";
import { ExperimentsTable } from "./ExperimentsTable";

/** Whether the energy of an experiment was measured. */
export type ProvenanceOf = (experiment: string) => Provenance | null;

export function CampaignReport({ campaign }: { campaign: string | null }) {
  if (campaign === null) {
    return <Empty title="A report is of one campaign">Choose the campaign above.</Empty>;
  }
  return <Of key={campaign} campaign={campaign} />;
}

function Of({ campaign }: { campaign: string }) {
  const report = useHostQuery("report", [campaign], (host) => host.campaignReport(campaign));
  const query = queryOf(firstView(campaign));
  // A report does not say how its energies came about; the groups of the same runs do.
  const groups = useHostQuery("statistics", [query, ["experiment"]], (host) =>
    host.statistics(query, ["experiment"]),
  );
  const provenances = useMemo(
    () => new Map(groups.data?.map(({ experiment, provenance }) => [experiment, provenance])),
    [groups.data],
  );
  const failed = report.error ?? groups.error;
  const again = () => void Promise.all([report.refetch(), groups.refetch()]);
  if (failed) return <ErrorNotice error={failed} onRetry={again} />;
  // Without both, a number would stand there without its mark.
  if (report.data === undefined || groups.data === undefined) return <Loading what="Reading the runs" />;
  if (report.data.experiments.every(({ points }) => points.length === 0)) {
    return <Empty title="No completed run">A report is of completed runs only.</Empty>;
  }
  return <Sections report={report.data} provenanceOf={(name) => provenances.get(name) ?? null} />;
}

function Sections({ report, provenanceOf }: { report: Report; provenanceOf: ProvenanceOf }) {
  return (
    <Stack gap="md">
      <Card>
        <Title order={2} mb="xs">
          Experiments
        </Title>
        <ExperimentsTable report={report} provenanceOf={provenanceOf} />
      </Card>
      <Card>
        <Title order={2} mb="xs">
          Checks over several runs
        </Title>
        <OpenChecks report={report} />
      </Card>
      <Associations report={report} provenanceOf={provenanceOf} />
    </Stack>
  );
}

function OpenChecks({ report }: { report: Report }) {
  // Of nothing there is nothing to check.
  const all = report.experiments
    .filter(({ points }) => points.length > 0)
    .flatMap(({ quality }) => quality.checks.map((check) => ({ ...check, of: quality.experiment })));
  const passed = all.filter(({ verdict }) => verdict === "pass").length;
  const unknown = all.filter(({ verdict }) => verdict === "unknown");
  const faults = sorted(all).open.filter(({ verdict }) => verdict !== "unknown");
  return (
    <>
      {faults.length > 0 && <ChecksTable name="Checks that did not pass" checks={faults} />}
      {unknown.length > 0 && (
        <Accordion variant="filled" order={3} mt="xs">
          <Accordion.Item value="unknown">
            <Accordion.Control>{unknown.length} not known</Accordion.Control>
            <Accordion.Panel>
              <ChecksTable name="Checks that are not known" checks={unknown} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
      <Text size="sm" c="dimmed" mt="xs">
        {faults.length === 0 && "No fault was found. "}
        {passed} passed. The checks of a single run are on its own page.
      </Text>
    </>
  );
}
