// A screen: its heading, what can be done on it, its content; and what stands in for content that is not there.
import { Center, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";

import { host } from "../api/host";

let shown = false;

/** Once, when the first screen with its data has been painted. */
function reportShown(screen: string) {
  if (shown) return;
  shown = true;
  requestAnimationFrame(() =>
    setTimeout(() => {
      // Only the log lacks a line where this fails.
      host()
        .reportShown(screen)
        .catch(() => {});
    }),
  );
}

export function Page(props: {
  title: string;
  /** What stands beside the title. */
  mark?: ReactNode;
  actions?: ReactNode;
  ready?: boolean;
  children: ReactNode;
}) {
  const { title, mark, actions, ready = true, children } = props;
  useEffect(() => {
    document.title = `${title} · LEM Desktop`;
    // Tests and the benchmark of the start wait for a screen that has its data.
    if (!ready) {
      delete document.body.dataset.ready;
      return;
    }
    document.body.dataset.ready = title.toLowerCase();
    reportShown(title);
  }, [title, ready]);
  return (
    <Stack gap="md" p="md">
      <Group justify="space-between" wrap="nowrap" className="page-head">
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Title order={1} className="clip">
            {title}
          </Title>
          {mark}
        </Group>
        <Group gap="xs" wrap="nowrap">
          {actions}
        </Group>
      </Group>
      {children}
    </Stack>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Center mih={160}>
      <Stack align="center" gap="xs" maw={520}>
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed" ta="center" component="div">
          {children}
        </Text>
      </Stack>
    </Center>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <Center mih={120} role="status">
      <Group gap="xs">
        <Loader size="sm" aria-hidden />
        <Text size="sm" c="dimmed">
          {what}
        </Text>
      </Group>
    </Center>
  );
}
