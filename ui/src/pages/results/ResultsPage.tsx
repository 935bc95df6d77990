// Every run of the project: found, grouped, compared, exported, deleted.
import { Button, Menu, Tabs } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload } from "@tabler/icons-react";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";

import type { ExportFormat, ResultQuery } from "../../api/bindings";
import { useHostAction, useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Empty, Loading, Page } from "../../components/Page";
import { Filters } from "./Filters";
import { GroupsTable } from "./GroupsTable";
import { CampaignReport } from "./report/CampaignReport";
import { RunsTable } from "./RunsTable";
import { SelectionBar } from "./SelectionBar";
import { firstView, queryOf, type View } from "./view";

const FORMATS: { format: ExportFormat; label: string }[] = [
  { format: "csv", label: "CSV" },
  { format: "json", label: "JSON" },
  { format: "jsonl", label: "JSON Lines" },
];

export function ResultsPage() {
  const { campaign = null } = useSearch({ from: "/results" });
  const [chosen, setView] = useState<View>(() => firstView(campaign));
  // The campaign is in the address, the rest of the view is not.
  const view = { ...chosen, campaign };
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const first = useHostQuery("results", [queryOf(view)], (host) => host.results(queryOf(view)));
  const query = { ...queryOf(view), runs: [...selected] };
  const nothing = first.data?.total === 0 && JSON.stringify(view) === JSON.stringify(firstView(null));
  return (
    <Page
      title="Results"
      ready={!first.isPending}
      actions={<Export query={query} selected={selected.size} />}
    >
      <Filters view={view} onChange={setView} total={first.data?.total ?? null} />
      {first.error && <ErrorNotice error={first.error} onRetry={() => void first.refetch()} />}
      {first.data === undefined && !first.error && <Loading what="Reading results" />}
      {nothing && <Empty title="No results yet">Every run of a campaign becomes a row here.</Empty>}
      {first.data && !nothing && (
        <Tabs defaultValue="runs" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="runs">Runs</Tabs.Tab>
            <Tabs.Tab value="groups">Groups</Tabs.Tab>
            <Tabs.Tab value="report">Report</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="runs" pt="xs">
            <SelectionBar selected={selected} onClear={() => setSelected(new Set())} />
            <RunsTable
              view={view}
              onView={setView}
              total={first.data.total}
              selected={selected}
              onSelect={setSelected}
            />
          </Tabs.Panel>
          <Tabs.Panel value="groups" pt="xs">
            <GroupsTable view={view} />
          </Tabs.Panel>
          <Tabs.Panel value="report" pt="xs">
            <CampaignReport campaign={campaign} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Page>
  );
}

function sayWhere(path: string | null) {
  if (path !== null) notifications.show({ title: "Exported", message: path });
}

function Export({ query, selected }: { query: ResultQuery; selected: number }) {
  const save = useHostAction((host, format: ExportFormat) => host.exportResults(query, format));
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} />} loading={save.isPending}>
          {selected > 0 ? `Export ${selected} selected` : "Export"}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {FORMATS.map(({ format, label }) => (
          <Menu.Item key={format} onClick={() => save.mutate(format, { onSuccess: sayWhere })}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
