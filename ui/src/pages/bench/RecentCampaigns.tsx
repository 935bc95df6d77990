// What was run lately, and what can go on.
import { Anchor, Button, Card, Table, Text, Title } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";

import type { CampaignSummary } from "../../api/bindings";
import { isRunning, useLive } from "../../api/live";
import { useHostAction, useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Empty } from "../../components/Page";
import { StatusBadge } from "../../components/StatusBadge";
import { dateTime } from "../../lib/format";

const SHOWN = 8;

export function RecentCampaigns({ all = false }: { all?: boolean }) {
  const campaigns = useHostQuery("campaigns", [], (host) => host.campaigns());
  const shown = all ? campaigns.data : campaigns.data?.slice(0, SHOWN);
  return (
    <Card>
      <Title order={2} mb="xs">
        {all ? "Runs of campaigns" : "Recent campaigns"}
      </Title>
      {campaigns.error && <ErrorNotice error={campaigns.error} onRetry={() => void campaigns.refetch()} />}
      {shown?.length === 0 && (
        <Empty title="Nothing was run in this project yet">Quick start runs a first campaign.</Empty>
      )}
      {shown && shown.length > 0 && (
        <Table aria-label="Campaigns that were run">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Campaign</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Runs</Table.Th>
              <Table.Th>Begun</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((campaign) => (
              <CampaignRow key={campaign.id} campaign={campaign} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

function CampaignRow({ campaign }: { campaign: CampaignSummary }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/results?campaign=${campaign.id}`} size="sm">
          {campaign.name}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <StatusBadge status={campaign.status} />
      </Table.Td>
      <Table.Td>
        {campaign.completed} of {campaign.planned}
        {campaign.failed > 0 && (
          <Text span size="xs" c="red">
            {" "}
            {campaign.failed} failed
          </Text>
        )}
        {campaign.not_needed > 0 && (
          <Text span size="xs" c="dimmed">
            {" "}
            {campaign.not_needed} not needed
          </Text>
        )}
      </Table.Td>
      <Table.Td style={{ whiteSpace: "nowrap" }}>{dateTime(campaign.created_unix_ns / 1e6)}</Table.Td>
      <Table.Td ta="right">{campaign.resumable && <Resume campaign={campaign} />}</Table.Td>
    </Table.Tr>
  );
}

export function Resume({ campaign }: { campaign: Pick<CampaignSummary, "id" | "name" | "remaining"> }) {
  const navigate = useNavigate();
  const running = useLive(isRunning);
  const resume = useHostAction((host) => host.resumeCampaign(campaign.id), ["campaigns"]);
  return (
    <Button
      size="compact-xs"
      variant="light"
      disabled={running}
      loading={resume.isPending}
      aria-label={`Resume ${campaign.name}`}
      onClick={() => resume.mutate(undefined, { onSuccess: () => void navigate({ to: "/live" }) })}
    >
      Resume, {campaign.remaining} left
    </Button>
  );
}
