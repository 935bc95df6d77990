// The frame around every screen: where one is, which project is open, and what the machine does now.
import {
  ActionIcon,
  AppShell,
  Box,
  Group,
  Menu,
  NavLink,
  Stack,
  Text,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import {
  IconActivity,
  IconChevronDown,
  IconFlask,
  IconFolder,
  IconGauge,
  IconKeyboard,
  IconSettings,
  IconTable,
} from "@tabler/icons-react";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";

import type { AppInfo } from "../api/bindings";
import { useLive } from "../api/live";
import { useHostAction, useHostQuery } from "../api/queries";
import { ProgressPill, StatusChips } from "./StatusBar";
import { showShortcuts, useShortcuts } from "./shortcuts";

const SCREENS = [
  { to: "/bench", label: "Bench", icon: IconGauge },
  { to: "/campaigns", label: "Campaigns", icon: IconFlask },
  { to: "/results", label: "Results", icon: IconTable },
  { to: "/settings", label: "Settings", icon: IconSettings },
] as const;

export function Frame() {
  const app = useHostQuery("app", [], (host) => host.appInfo());
  const campaign = useLive((live) => live?.campaign?.id ?? null);
  useShortcuts();
  const open = app.data?.project != null;
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 148, breakpoint: 0 }} padding={0}>
      <AppShell.Header>
        <a href="#content" className="skip-link" onClick={toContent}>
          Skip to the content
        </a>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="sm">
          <ProjectMenu app={app.data} />
          {open && (
            <Group gap="sm" wrap="nowrap" miw={0}>
              <StatusChips />
              <ProgressPill />
            </Group>
          )}
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p={6} aria-label="Screens">
        <Stack gap={2} flex={1}>
          {open && SCREENS.map((screen) => <Screen key={screen.to} {...screen} />)}
          {open && campaign !== null && <Screen to="/live" label="Live" icon={IconActivity} />}
        </Stack>
        <Group justify="space-between" px={4}>
          <Text size="xs" c="dimmed">
            {app.data ? `v${app.data.version}` : ""}
          </Text>
          <Tooltip label="Keyboard shortcuts">
            <ActionIcon variant="subtle" color="gray" aria-label="Keyboard shortcuts" onClick={showShortcuts}>
              <IconKeyboard size={18} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </AppShell.Navbar>
      <AppShell.Main id="content" component="main" tabIndex={-1}>
        <Box maw={1800}>
          <Outlet />
        </Box>
      </AppShell.Main>
    </AppShell>
  );
}

/** The address after `#` is that of a screen: the focus is moved without it. */
function toContent(event: React.MouseEvent) {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function Screen({ to, label, icon: Icon }: { to: string; label: string; icon: typeof IconGauge }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const active = path.startsWith(to);
  return (
    <NavLink
      component={Link}
      to={to}
      label={label}
      active={active}
      aria-current={active ? "page" : undefined}
      leftSection={<Icon size={18} aria-hidden />}
      style={{ borderRadius: 6 }}
    />
  );
}

function ProjectMenu({ app }: { app: AppInfo | undefined }) {
  const navigate = useNavigate();
  const toBench = () => void navigate({ to: "/bench" });
  const choose = useHostAction((host) => host.chooseProject(), ["app"]);
  const create = useHostAction((host) => host.createProject(), ["app"]);
  const reopen = useHostAction((host, path: string) => host.openRecent(path), ["app"]);
  const done = { onSuccess: (project: unknown) => project !== null && toBench() };
  const project = app?.project ?? null;
  const others = (app?.recent ?? [])
    .filter((recent) => recent.path !== project?.path && recent.exists)
    .slice(0, 8);
  return (
    <Menu position="bottom-start" width={360}>
      <Menu.Target>
        <UnstyledButton aria-label={project ? `Project ${project.name}` : "No project is open"} p={4} miw={0}>
          <Group gap={6} wrap="nowrap">
            <IconFolder size={18} aria-hidden />
            <Text fw={600} size="sm" className="clip" maw={220}>
              {project?.name ?? "No project"}
            </Text>
            <IconChevronDown size={14} aria-hidden />
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {project && <Menu.Label style={{ wordBreak: "break-all" }}>{project.path}</Menu.Label>}
        <Menu.Item onClick={() => choose.mutate(undefined, done)}>Open a folder …</Menu.Item>
        <Menu.Item onClick={() => create.mutate(undefined, done)}>Create a project …</Menu.Item>
        {others.length > 0 && <Menu.Label>Recent</Menu.Label>}
        {others.map((recent) => (
          <Menu.Item key={recent.path} onClick={() => reopen.mutate(recent.path, done)}>
            <Text size="sm">{recent.name}</Text>
            <Text size="xs" c="dimmed" className="clip">
              {recent.path}
            </Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
