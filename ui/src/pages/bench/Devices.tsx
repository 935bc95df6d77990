// The devices that would be measured, with their live power.
import { Card, Group, SegmentedControl, Text, Title } from "@mantine/core";
import { useMemo, useState } from "react";

import type { DeviceInfo } from "../../api/bindings";
import { host } from "../../api/host";
import { useLive, useNow } from "../../api/live";
import { TraceChart } from "../../charts/TraceChart";
import { Empty } from "../../components/Page";

const NO_DEVICES: DeviceInfo[] = [];
const SPANS = [
  { value: "60", label: "1 min" },
  { value: "600", label: "10 min" },
  { value: "3600", label: "1 h" },
];

export function Devices() {
  const devices = useLive((live) => live?.devices ?? NO_DEVICES);
  const error = useLive((live) => live?.monitor_error ?? null);
  const epochUnixMs = useLive((live) => live?.epoch_unix_ms ?? null);
  const [spanS, setSpanS] = useState("60");
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Devices</Title>
        <SegmentedControl
          size="xs"
          data={SPANS}
          value={spanS}
          onChange={setSpanS}
          aria-label="Time in view"
        />
      </Group>
      {error !== null && devices.length > 0 && (
        <Text size="sm" c="dimmed" role="status">
          {error}
        </Text>
      )}
      {devices.length === 0 ? (
        <Empty title="No device is sampled">{error ?? "The meters are being opened."}</Empty>
      ) : (
        <LivePower devices={devices} epochUnixMs={epochUnixMs} spanS={Number(spanS)} />
      )}
    </Card>
  );
}

function LivePower(props: { devices: DeviceInfo[]; epochUnixMs: number | null; spanS: number }) {
  const nowS = useNow(0.2);
  // Second 0 is when sampling began: until there is enough, all of it is in view.
  const spanS = Math.min(props.spanS, Math.max(10, nowS));
  const follow = useMemo(() => ({ nowS, spanS }), [nowS, spanS]);
  const labels = useMemo(
    () => props.devices.map(({ name, provenance }) => ({ name, provenance })),
    [props.devices],
  );
  return (
    <TraceChart
      label="Power"
      unit="W"
      devices={labels}
      ask={askPower}
      shades={[]}
      height={220}
      epochUnixMs={props.epochUnixMs}
      follow={follow}
    />
  );
}

function askPower(fromS: number, toS: number, buckets: number) {
  return host().liveWindow(fromS, toS, buckets, "power");
}
