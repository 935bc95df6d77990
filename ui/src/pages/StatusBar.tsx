// What is always true, in the top bar: Docker, each meter, and the campaign that runs.
import { Badge, Box, Group, Progress, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconBolt, IconBrandDocker } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

import type { DeviceInfo, Reading } from "../api/bindings";
import { isRunning, useLive, useNow, useReadings } from "../api/live";
import { useHostQuery } from "../api/queries";
import { countdown, plain, si } from "../lib/format";
import { activity, over, position } from "../lib/now";

const NO_DEVICES: DeviceInfo[] = [];
/** Chips of devices that fit beside the rest; the others are in the tooltip of a last one. */
const SHOWN = 2;

export function StatusChips() {
  const docker = useHostQuery("services", [], (host) => host.services(), { every: 30_000 }).data?.docker;
  const devices = useLive((live) => live?.devices ?? NO_DEVICES);
  const readings = useReadings();
  return (
    <Group gap={6} wrap="nowrap" miw={0}>
      {docker && (
        <Tooltip label={docker.message} multiline maw={420}>
          <Chip color={docker.reachable ? "green" : "gray"}>
            <IconBrandDocker size={14} aria-hidden /> {docker.reachable ? "Docker" : "no Docker"}
          </Chip>
        </Tooltip>
      )}
      {devices.slice(0, SHOWN).map((device, index) => (
        <Tooltip key={device.id} label={chipLabel(device, readings[index])} multiline maw={420}>
          <Chip color={device.provenance === "measured" ? "teal" : "orange"}>
            <IconBolt size={14} aria-hidden /> {values(readings[index])}
            {device.provenance === "measured" ? "" : ` ${device.provenance}`}
          </Chip>
        </Tooltip>
      ))}
      {devices.length > SHOWN && (
        <Tooltip
          multiline
          label={devices.slice(SHOWN).map((device, index) => (
            <div key={device.id}>{chipLabel(device, readings[index + SHOWN])}</div>
          ))}
        >
          <Chip color="gray">+{devices.length - SHOWN}</Chip>
        </Tooltip>
      )}
    </Group>
  );
}

function Chip({ color, children, ...rest }: { color: string; children: React.ReactNode }) {
  return (
    <Badge {...rest} variant="light" color={color} size="md" radius="sm" tt="none" tabIndex={0}>
      {children}
    </Badge>
  );
}

function values(reading: Reading | undefined): string {
  const power = si(reading?.power_w, "W");
  return reading?.temperature_c == null ? power : `${power} · ${plain(reading.temperature_c, "°C", 0)}`;
}

function chipLabel(device: DeviceInfo, reading: Reading | undefined): string {
  const state = reading?.error ?? values(reading);
  return `${device.name} (${device.source}, ${device.provenance}): ${state}`;
}

export function ProgressPill() {
  const running = useLive(isRunning);
  const now = useLive((live) => live?.campaign?.now ?? null);
  const second = useNow(1);
  if (!running || now === null) return null;
  const done = over(now) / Math.max(1, now.total);
  const left = now.left_s === null ? "" : ` · ${countdown(now.left_s)} left`;
  const text = `${position(now)}, ${activity(now, second)}${left}`;
  return (
    <UnstyledButton component={Link} to="/live" aria-label={`Campaign: ${text}`} miw={0}>
      <Box
        px="sm"
        py={3}
        miw={170}
        maw={380}
        style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: 6 }}
      >
        <Text size="xs" className="clip">
          {text}
        </Text>
        <Progress value={done * 100} size={3} aria-label="Runs done" />
      </Box>
    </UnstyledButton>
  );
}
