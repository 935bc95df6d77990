// Campaign files of the project, and what was run of them.
import { Anchor, Badge, Button, Card, Table, Text, Title } from "@mantine/core";
import { IconFileImport, IconPlus } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";

import type { CampaignFile } from "../../api/bindings";
import { useHostAction, useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Empty, Loading, Page } from "../../components/Page";
import { dateTime } from "../../lib/format";
import { RecentCampaigns } from "../bench/RecentCampaigns";
import { keepForBuilder } from "./unsaved";

export function CampaignsPage() {
  const files = useHostQuery("campaign-files", [], (host) => host.campaignFiles());
  return (
    <Page title="Campaigns" actions={<Actions />} ready={!files.isPending}>
      <Card>
        <Title order={2} mb="xs">
          Campaign files
        </Title>
        {files.error && <ErrorNotice error={files.error} onRetry={() => void files.refetch()} />}
        {files.data === undefined && !files.error && <Loading what="Reading campaign files" />}
        {files.data?.length === 0 && (
          <Empty title="No campaign file yet">Make one, or import one from elsewhere.</Empty>
        )}
        {files.data && files.data.length > 0 && (
          <Table aria-label="Campaign files">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>File</Table.Th>
                <Table.Th ta="right">Experiments</Table.Th>
                <Table.Th>Changed</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {files.data.map((file) => (
                <FileRow key={file.path} file={file} />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Card>
      <RecentCampaigns all />
    </Page>
  );
}

function FileRow({ file }: { file: CampaignFile }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/campaigns/edit?path=${encodeURIComponent(file.path)}`} size="sm">
          {file.name ?? file.path}
        </Anchor>{" "}
        {file.problems > 0 && (
          <Badge color="red" variant="light" size="sm" tt="none">
            {file.problems} {file.problems === 1 ? "problem" : "problems"}
          </Badge>
        )}
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed">
          {file.path}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{file.experiments}</Table.Td>
      <Table.Td>{dateTime(file.modified_unix_ms)}</Table.Td>
    </Table.Tr>
  );
}

function Actions() {
  const navigate = useNavigate();
  const edit = (path: string | null) =>
    void navigate({ to: "/campaigns/edit", search: path === null ? {} : { path } });
  const fetchNew = useHostAction((host) => host.importCampaign());
  const imported = {
    onSuccess: (campaign: { path: string | null; text: string } | null) => {
      if (campaign === null) return;
      if (campaign.path === null) keepForBuilder(campaign.text);
      edit(campaign.path);
    },
  };
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconFileImport size={16} />}
        onClick={() => fetchNew.mutate(undefined, imported)}
      >
        Import
      </Button>
      <Button leftSection={<IconPlus size={16} />} onClick={() => edit(null)}>
        New campaign
      </Button>
    </>
  );
}
