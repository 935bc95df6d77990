// The first start: a project folder is chosen or made.
import {
  ActionIcon,
  Button,
  Card,
  Center,
  Group,
  List,
  Stack,
  Text,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { IconFolderOpen, IconFolderPlus, IconX } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

import type { RecentProject } from "../api/bindings";
import { useHostAction, useHostQuery } from "../api/queries";
import { ErrorNotice } from "../components/ErrorNotice";

export function WelcomePage() {
  const app = useHostQuery("app", [], (host) => host.appInfo());
  const navigate = useNavigate();
  const choose = useHostAction((host) => host.chooseProject(), ["app"]);
  const create = useHostAction((host) => host.createProject(), ["app"]);
  const opened = { onSuccess: (project: unknown) => project !== null && void navigate({ to: "/bench" }) };
  useEffect(() => {
    document.title = "LEM Desktop";
    if (!app.isPending) document.body.dataset.ready = "welcome";
  }, [app.isPending]);
  return (
    <Center p="xl">
      <Stack maw={640} w="100%" gap="lg" pt="xl">
        <div>
          <Title order={1}>What does inference cost in energy?</Title>
          <Text c="dimmed" mt={4}>
            A project is a folder: its settings, its campaigns, its services, and the results of everything
            that was run in it.
          </Text>
        </div>
        {app.error && <ErrorNotice error={app.error} onRetry={() => void app.refetch()} />}
        {app.data?.start_error && <ErrorNotice error={new Error(app.data.start_error.message)} />}
        <Group grow align="stretch">
          <Card>
            <Stack justify="space-between" h="100%">
              <div>
                <Text fw={600}>New here</Text>
                <List size="sm" c="dimmed" mt="xs" spacing={2}>
                  <List.Item>commented settings</List.Item>
                  <List.Item>a compose file for engines</List.Item>
                  <List.Item>a first campaign of under a minute</List.Item>
                </List>
              </div>
              <Button
                leftSection={<IconFolderPlus size={16} />}
                loading={create.isPending}
                onClick={() => create.mutate(undefined, opened)}
              >
                Create a project
              </Button>
            </Stack>
          </Card>
          <Card>
            <Stack justify="space-between" h="100%">
              <div>
                <Text fw={600}>Been here before</Text>
                <Text size="sm" c="dimmed" mt="xs">
                  Any folder will do: with a `.lem-config.yaml`, with results of `lem`, or with your own
                  compose file.
                </Text>
              </div>
              <Button
                variant="default"
                leftSection={<IconFolderOpen size={16} />}
                loading={choose.isPending}
                onClick={() => choose.mutate(undefined, opened)}
              >
                Open a folder
              </Button>
            </Stack>
          </Card>
        </Group>
        <RecentProjects recent={app.data?.recent ?? []} onOpened={opened.onSuccess} />
      </Stack>
    </Center>
  );
}

function RecentProjects(props: { recent: RecentProject[]; onOpened: (project: unknown) => unknown }) {
  const open = useHostAction((host, path: string) => host.openRecent(path), ["app"]);
  const forget = useHostAction((host, path: string) => host.forgetRecent(path), ["app"]);
  if (props.recent.length === 0) return null;
  return (
    <div>
      <Title order={2}>Recent</Title>
      <Stack gap={4} mt="xs">
        {props.recent.map((project) => (
          <Group key={project.path} wrap="nowrap" justify="space-between">
            <UnstyledButton
              p={6}
              flex={1}
              disabled={!project.exists}
              onClick={() => open.mutate(project.path, { onSuccess: props.onOpened })}
            >
              <Text size="sm" fw={500} {...(project.exists ? {} : { c: "dimmed" })}>
                {project.name}
                {project.exists ? "" : " (not there any more)"}
              </Text>
              <Text size="xs" c="dimmed" style={{ wordBreak: "break-all" }}>
                {project.path}
              </Text>
            </UnstyledButton>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Forget ${project.name}`}
              onClick={() => forget.mutate(project.path)}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
    </div>
  );
}
