// Home: what this machine can measure and run, and the way to the first number.
import { Alert, Button, Card, Grid, Group, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";

import { isRunning, useLive } from "../../api/live";
import { useHostAction, useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Page } from "../../components/Page";
import { Checks } from "./Checks";
import { Devices } from "./Devices";
import { RecentCampaigns } from "./RecentCampaigns";
import { Services } from "./Services";

export function BenchPage() {
  const doctor = useHostQuery("doctor", [], (host) => host.doctor(), { every: 60_000 });
  return (
    <Page title="Bench" actions={<QuickStart />} ready={!doctor.isPending}>
      <BareFolder />
      {doctor.error && <ErrorNotice error={doctor.error} onRetry={() => void doctor.refetch()} />}
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <Devices />
            <RecentCampaigns />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack>
            <Card>
              <Group justify="space-between" mb="xs">
                <Title order={2}>This machine</Title>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  loading={doctor.isFetching}
                  onClick={() => void doctor.refetch()}
                >
                  Check again
                </Button>
              </Group>
              {!doctor.error && <Checks doctor={doctor.data} />}
            </Card>
            <Services />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

/** Any folder can be opened; one that has nothing of a project yet is offered what a new one begins with. */
function BareFolder() {
  const project = useHostQuery("app", [], (host) => host.appInfo()).data?.project;
  const fill = useHostAction(
    (host) => host.fillProject(),
    ["app", "settings", "services", "campaign-files", "doctor"],
  );
  if (project == null || project.has_settings || project.campaign_files > 0) return null;
  return (
    <Alert color="blue" title="This folder holds no settings and no campaigns yet">
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">
          A project begins with commented settings, a compose file and a first campaign. Nothing that is there
          is changed.
        </Text>
        <Button variant="light" loading={fill.isPending} onClick={() => fill.mutate()}>
          Write them
        </Button>
      </Group>
    </Alert>
  );
}

function QuickStart() {
  const navigate = useNavigate();
  const running = useLive(isRunning);
  const start = useHostAction((host) => host.quickStart(), ["campaign-files"]);
  return (
    <Group gap="sm">
      <Text size="xs" c="dimmed" maw={320} ta="right">
        A small model in the embedded worker: the first joules per token in under a minute
      </Text>
      <Button
        leftSection={<IconPlayerPlay size={16} />}
        disabled={running}
        loading={start.isPending}
        onClick={() => start.mutate(undefined, { onSuccess: () => void navigate({ to: "/live" }) })}
      >
        Quick start
      </Button>
    </Group>
  );
}
