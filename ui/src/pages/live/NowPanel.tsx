// What happens now: the run and its numbers so far, or the gap and its countdown.
import { Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import type { GapNow, LiveCampaign, Now } from "../../api/bindings";
import { useLive, useNow } from "../../api/live";
import { ProvenanceMark } from "../../components/Quantity";
import { backendColor } from "../../lib/colors";
import { countdown, duration, plain, si } from "../../lib/format";
import { activity, position } from "../../lib/now";
import { weakest } from "../../lib/provenance";

export function NowPanel({ campaign }: { campaign: LiveCampaign }) {
  const now = campaign.now;
  const nowS = useNow(0.5);
  const done = now.completed + now.failed;
  return (
    <Card>
      <Stack gap="xs">
        <Title order={2}>
          {position(now)}: {activity(now, nowS)}
        </Title>
        <Progress value={(done / Math.max(1, now.total)) * 100} aria-label="Runs done" />
        {now.ended === null && (
          <Text size="sm" c="dimmed">
            {now.left_s === null
              ? "time left is known after the first run"
              : `about ${countdown(now.left_s)} left`}
          </Text>
        )}
        {now.failed > 0 && (
          <Text size="sm" c="red">
            {now.failed} failed
          </Text>
        )}
        {now.experiment !== null && (
          <Text
            size="sm"
            style={{ borderLeft: `3px solid ${backendColor(now.backend ?? "")}`, paddingLeft: 8 }}
          >
            {now.experiment}, cycle {now.cycle}
          </Text>
        )}
        {now.gap !== null ? <Gap gap={now.gap} nowS={nowS} /> : <SoFar now={now} />}
      </Stack>
    </Card>
  );
}

function Gap({ gap, nowS }: { gap: GapNow; nowS: number }) {
  const temperature = useLive((live) =>
    (live?.readings ?? []).reduce<number | null>(
      (most, { temperature_c: c }) => (c === null ? most : Math.max(most ?? c, c)),
      null,
    ),
  );
  return (
    <Stack gap={4}>
      <Text fz={34} fw={600} lh={1.1} role="timer" aria-label="Time left of the gap">
        {countdown(gap.until_s - nowS)}
      </Text>
      <Text size="sm" c="dimmed">
        of {duration(gap.planned_s)} planned, set by: {gap.source_text}
      </Text>
      {gap.start_temperature_c !== null && (
        <Text size="sm">
          {plain(gap.start_temperature_c, "°C", 0)} at its begin, now {plain(temperature, "°C", 0)}
        </Text>
      )}
    </Stack>
  );
}

function SoFar({ now }: { now: Now }) {
  const provenance = useLive((live) => weakest((live?.devices ?? []).map((device) => device.provenance)));
  if (now.run_index === null) return null;
  const requests =
    now.requests_done === null
      ? null
      : `${now.requests_done}${now.requests_total === null ? "" : ` of ${now.requests_total}`}`;
  return (
    <>
      <SimpleGrid cols={2} spacing="xs">
        <Figure label="Requests" value={requests ?? "–"} />
        <Figure label="Output tokens" value={now.output_tokens?.toString() ?? "–"} />
        <Figure
          label="Energy so far"
          value={si(now.energy_so_far_j, "J")}
          mark={<ProvenanceMark of={provenance} />}
        />
        <Figure
          label="J/token so far"
          value={si(now.joules_per_token_so_far, "J/token")}
          mark={<ProvenanceMark of={provenance} />}
        />
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        Values so far are preliminary: the energy that counts is cut from the trace when the window has ended.
      </Text>
    </>
  );
}

function Figure({ label, value, mark }: { label: string; value: string; mark?: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Group gap={6}>
        <Text fw={600}>{value}</Text>
        {value !== "–" && mark}
      </Group>
    </div>
  );
}
