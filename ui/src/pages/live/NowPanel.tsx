// What happens now: the run and its numbers so far, or the gap and its countdown.
import { Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import type { LiveCampaign, Now } from "../../api/bindings";
import { useLive, useNow } from "../../api/live";
import { ProvenanceMark } from "../../components/Quantity";
import { backendColor } from "../../lib/colors";
import { countdown, si } from "../../lib/format";
import { activity, over, position } from "../../lib/now";
import { weakest } from "../../lib/provenance";
import { Gap } from "./Gap";

export function NowPanel({ campaign }: { campaign: LiveCampaign }) {
  const now = campaign.now;
  const nowS = useNow(0.5);
  const spared = campaign.runs.filter(({ status }) => status === "not_needed").length;
  return (
    <Card>
      <Stack gap="xs">
        <Title order={2}>
          {position(now)}: {activity(now, nowS)}
        </Title>
        <Progress value={(over(now) / Math.max(1, now.total)) * 100} aria-label="Runs done" />
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
        {spared > 0 && (
          <Text size="sm" c="dimmed">
            {spared} not needed: what they would tell is known well enough
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
        {now.gap !== null ? (
          <Gap gap={now.gap} nowS={nowS} first={!campaign.spans.some(({ kind }) => kind === "run")} />
        ) : (
          <SoFar now={now} />
        )}
      </Stack>
    </Card>
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
