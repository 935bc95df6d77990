// Between runs: what is waited for, how long at most, and how warm the devices are.
import { Group, Stack, Text } from "@mantine/core";

import type { DeviceInfo, GapNow, GapPurpose } from "../../api/bindings";
import { useLive, useReadings } from "../../api/live";
import { ProvenanceMark } from "../../components/Quantity";
import { countdown, duration, plain } from "../../lib/format";
import { weakest } from "../../lib/provenance";
import { targetsOf } from "./targets";

const NO_DEVICES: DeviceInfo[] = [];

const TIMER: Record<GapPurpose, string> = {
  wait: "Time left of the gap",
  cool: "Time left of the gap at most",
  baseline: "Time left of the baseline",
};

type Props = {
  gap: GapNow;
  nowS: number;
  /** No run has begun since the campaign was taken up: there is no state yet to come back to. */
  first: boolean;
};

export function Gap({ gap, nowS, first }: Props) {
  const devices = useLive((live) => live?.devices ?? NO_DEVICES);
  const readings = useReadings();
  const temperature = readings.reduce<number | null>(
    (most, { temperature_c: c }) => (c === null ? most : Math.max(most ?? c, c)),
    null,
  );
  return (
    <Stack gap={4}>
      <Text fz={34} fw={600} lh={1.1} role="timer" aria-label={TIMER[gap.purpose]}>
        {gap.purpose === "cool" && (
          <Text span size="sm" fw={400} c="dimmed">
            at most{" "}
          </Text>
        )}
        {countdown(gap.until_s - nowS)}
      </Text>
      <Text size="sm" c="dimmed">
        {limit(gap)}
      </Text>
      {gap.start_temperature_c !== null && (
        <Group gap={6}>
          <Text size="sm">
            {plain(gap.start_temperature_c, "°C", 0)} at its begin, now {plain(temperature, "°C", 0)}
          </Text>
          <ProvenanceMark of={weakest(withThermometer(devices).map((device) => device.provenance))} />
        </Group>
      )}
      {targetsOf(gap, devices, readings).map((target) => (
        <Text key={target} size="sm">
          {target}
        </Text>
      ))}
      <Text size="xs" c="dimmed">
        {end(gap.purpose, first)}
      </Text>
    </Stack>
  );
}

function withThermometer(devices: DeviceInfo[]): DeviceInfo[] {
  return devices.filter(({ channels }) => channels.includes("temperature"));
}

function limit({ purpose, planned_s, source_text }: GapNow): string {
  switch (purpose) {
    case "wait":
      return `of ${duration(planned_s)} planned, set by: ${source_text}`;
    case "cool":
      return `of ${duration(planned_s)} that it may take, set by: ${source_text}`;
    case "baseline":
      return `of ${duration(planned_s)}, set by: ${source_text}`;
  }
}

function end(purpose: GapPurpose, first: boolean): string | null {
  switch (purpose) {
    case "wait":
      return null;
    case "cool":
      return first
        ? "Ends as soon as temperature and power are steady: later gaps lead back to there."
        : "Ends as soon as temperature and power are back where they were before the first run.";
    case "baseline":
      return "Nothing runs meanwhile: energy above this is told apart for each run.";
  }
}
