// A campaign under way: what happens now, the power of each device, every run, and the controls.
import { Anchor, Card, Grid, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import type { LiveCampaign } from "../../api/bindings";
import { useLive } from "../../api/live";
import { Empty, Page } from "../../components/Page";
import { counted } from "../../lib/format";
import { Devices } from "../bench/Devices";
import { Controls } from "./Controls";
import { EndNotice } from "./EndNotice";
import { LiveCharts } from "./LiveCharts";
import { NowPanel } from "./NowPanel";
import { RunGrid } from "./RunGrid";
import { WorkerLog } from "./WorkerLog";

export function LivePage() {
  const campaign = useLive((live) => live?.campaign ?? null);
  if (campaign === null) return <NothingRuns />;
  return (
    <Page title="Live" actions={<Controls now={campaign.now} />}>
      <Running campaign={campaign} />
    </Page>
  );
}

function NothingRuns() {
  return (
    <Page title="Live">
      <Empty title="No campaign is running">
        <Group gap="xs" justify="center">
          <Anchor component={Link} to="/campaigns">
            Open a campaign
          </Anchor>
          or
          <Anchor component={Link} to="/bench">
            use the quick start on the bench
          </Anchor>
        </Group>
      </Empty>
      <Devices />
    </Page>
  );
}

function Running({ campaign }: { campaign: LiveCampaign }) {
  return (
    <Stack gap="md">
      <Group gap="xs">
        <Text fw={600} size="lg">
          {campaign.name}
        </Text>
        <Text size="sm" c="dimmed">
          {counted(campaign.runs.length, "run")}
        </Text>
      </Group>
      {campaign.now.ended && <EndNotice campaign={campaign} ended={campaign.now.ended} />}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Card>
            <LiveCharts campaign={campaign} />
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack>
            <NowPanel campaign={campaign} />
            <RunGrid runs={campaign.runs} current={campaign.now.run_index} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={12}>
          <WorkerLog lines={campaign.log} />
        </Grid.Col>
      </Grid>
    </Stack>
  );
}
