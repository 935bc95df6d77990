// Power over time with the phases of the runs, and one more quantity below it when asked for.
import { Group, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useMemo, useState } from "react";

import type { DeviceInfo, LiveCampaign } from "../../api/bindings";
import { host } from "../../api/host";
import { useLive, useNow } from "../../api/live";
import type { TraceChannel } from "../../api/trace";
import { legend, SHADE_NAMES, shadeColor, shades } from "../../charts/spans";
import type { Level } from "../../charts/levels";
import { TraceChart } from "../../charts/TraceChart";
import { quantities } from "../../lib/quantities";
import { levelsOf } from "./targets";

const NO_DEVICES: DeviceInfo[] = [];
const SPANS = [
  { value: "60", label: "1 min" },
  { value: "300", label: "5 min" },
  { value: "1800", label: "30 min" },
  { value: "14400", label: "4 h" },
  { value: "86400", label: "24 h" },
];

export function LiveCharts({ campaign }: { campaign: LiveCampaign }) {
  const devices = useLive((live) => live?.devices ?? NO_DEVICES);
  const [spanS, setSpanS] = useState("300");
  const [second, setSecond] = useState<TraceChannel | null>(null);
  const others = quantities(devices).filter(({ channel }) => channel !== "power");
  // While devices cool the curve is shown unasked: it is what is waited for.
  const gap = campaign.now.gap;
  const levels = useMemo(() => (gap === null ? [] : levelsOf(gap)), [gap]);
  const shown = second ?? (levels.length > 0 ? "temperature" : null);
  const extra = others.find(({ channel }) => channel === shown);
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          data={SPANS}
          value={spanS}
          onChange={setSpanS}
          aria-label="Time in view"
        />
        <Select
          size="xs"
          clearable
          placeholder="Show one more quantity"
          aria-label="One more quantity"
          data={others.map(({ channel, label }) => ({ value: channel, label }))}
          value={second}
          onChange={(value) => setSecond(value as TraceChannel | null)}
        />
      </Group>
      <Following
        campaign={campaign}
        devices={devices}
        longestS={Number(spanS)}
        extra={extra}
        levels={levels}
      />
      <ShadeLegend drawn={campaign.spans} />
    </Stack>
  );
}

type FollowingProps = {
  campaign: LiveCampaign;
  devices: DeviceInfo[];
  longestS: number;
  extra: ReturnType<typeof quantities>[number] | undefined;
  /** Of the temperature. */
  levels: Level[];
};

/** The charts alone: they are drawn five times a second, what stands around them is not. */
function Following({ campaign, devices, longestS, extra, levels }: FollowingProps) {
  const epochUnixMs = useLive((live) => live?.epoch_unix_ms ?? null);
  const live = useNow(0.2);
  // After its end the campaign stays in view; the machine's own trace is on the bench.
  const nowS = campaign.now.ended?.at_s ?? live;
  // A young campaign fills the chart; later the chosen time is in view.
  const spanS = Math.min(longestS, Math.max(10, nowS - campaign.begun_s + 2));
  const follow = useMemo(() => ({ nowS, spanS }), [nowS, spanS]);
  const labels = useMemo(() => devices.map(({ name, provenance }) => ({ name, provenance })), [devices]);
  const background = useMemo(() => shades(campaign.spans, nowS), [campaign.spans, nowS]);
  const chart = { devices: labels, shades: background, epochUnixMs, follow };
  return (
    <>
      <TraceChart label="Power" unit="W" ask={asks.power} height={extra ? 230 : 320} {...chart} />
      {extra && (
        <TraceChart
          label={extra.label}
          unit={extra.unit}
          ask={asks[extra.channel]}
          levels={extra.channel === "temperature" ? levels : []}
          height={150}
          {...chart}
        />
      )}
    </>
  );
}

/** One function for each quantity, so that a chart is not made anew with every reading. */
const asks = Object.fromEntries(
  (
    [
      "power",
      "temperature",
      "memory_temperature",
      "sm_clock",
      "memory_clock",
      "utilization",
      "memory_utilization",
      "memory_used",
    ] as const
  ).map((channel) => [
    channel,
    (fromS: number, toS: number, buckets: number) => host().liveWindow(fromS, toS, buckets, channel),
  ]),
) as Record<
  TraceChannel,
  (fromS: number, toS: number, buckets: number) => ReturnType<ReturnType<typeof host>["liveWindow"]>
>;

const NOTHING: { label: string }[] = [];

export function ShadeLegend({ drawn = NOTHING }: { drawn?: readonly { label: string }[] }) {
  return (
    <Group gap="md" aria-label="Phases">
      {legend(drawn).map((label) => (
        <Group key={label} gap={5}>
          <span
            aria-hidden
            style={{
              width: 14,
              height: 12,
              border: "1px solid var(--mantine-color-default-border)",
              background: shadeColor(
                { label, kind: label === "gap" ? "gap" : "phase", fromS: 0, toS: 0 },
                false,
              ),
            }}
          />
          <Text size="xs" c="dimmed">
            {SHADE_NAMES[label]}
          </Text>
        </Group>
      ))}
    </Group>
  );
}
