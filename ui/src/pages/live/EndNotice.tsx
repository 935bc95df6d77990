// How the campaign ended, and where to go from here.
import { Alert, Anchor, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconPlayerPause } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

import type { EndedNow, LiveCampaign } from "../../api/bindings";
import { counted } from "../../lib/format";
import { ending, type Ending } from "../../lib/now";
import { Resume } from "../bench/RecentCampaigns";

const LOOK = {
  completed: { color: "green", icon: IconCheck, title: "The campaign is complete" },
  with_failures: {
    color: "yellow",
    icon: IconAlertTriangle,
    title: "The campaign is complete, with failures",
  },
  without_results: { color: "red", icon: IconAlertTriangle, title: "The campaign is over: no run completed" },
  failed: { color: "red", icon: IconAlertTriangle, title: "The campaign could not go on" },
  interrupted: { color: "yellow", icon: IconPlayerPause, title: "The campaign was stopped" },
} as const satisfies { [end in Ending]: object };

export function EndNotice({ campaign, ended }: { campaign: LiveCampaign; ended: EndedNow }) {
  const { color, icon: Icon, title } = LOOK[ending(ended, campaign.now)];
  const { completed, failed, remaining } = campaign.now;
  const spared = campaign.runs.filter(({ status }) => status === "not_needed").length;
  return (
    <Alert color={color} icon={<Icon size={18} aria-hidden />} title={title} role="status">
      <Text size="sm">
        {counted(completed, "run")} completed{failed > 0 ? `, ${failed} failed` : ""}
        {spared > 0 ? `, ${spared} not needed` : ""}
        {remaining > 0 ? `, ${remaining} not done` : ""}.{ended.message === null ? "" : ` ${ended.message}`}
      </Text>
      {ended.hint !== null && (
        <Text size="sm" c="dimmed">
          {ended.hint}
        </Text>
      )}
      <Group gap="sm" mt="xs">
        <Anchor component={Link} to={`/results?campaign=${campaign.id}`} size="sm">
          Show the results
        </Anchor>
        {remaining > 0 && <Resume campaign={{ id: campaign.id, name: campaign.name, remaining }} />}
      </Group>
    </Alert>
  );
}
