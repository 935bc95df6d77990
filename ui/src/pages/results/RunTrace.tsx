// The trace of a stored run, with its phases behind it.
import { Group, SegmentedControl } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";

import type { DeviceInfo, RunDetail } from "../../api/bindings";
import { host } from "../../api/host";
import type { TraceChannel } from "../../api/trace";
import type { Shade } from "../../charts/spans";
import { TraceChart, type TraceDeviceLabel } from "../../charts/TraceChart";
import { quantities } from "../../lib/quantities";
import { ShadeLegend } from "../live/LiveCharts";

export function RunTrace({ run }: { run: RunDetail }) {
  const [channel, setChannel] = useState<TraceChannel>("power");
  const shown = quantities(
    run.devices.map((device) => device.info as unknown as DeviceInfo).filter(hasChannels),
  );
  const { unit, label } = shown.find((quantity) => quantity.channel === channel) ?? {
    unit: "W",
    label: "Power",
  };
  const ask = useCallback(
    (fromS: number, toS: number, buckets: number) =>
      host().runWindow(run.run_id, fromS, toS, buckets, channel),
    [run.run_id, channel],
  );
  const labels = useMemo(() => run.traces.map((trace) => labelOf(run, trace.device_id)), [run]);
  const shades = useMemo(() => phaseShades(run), [run]);
  return (
    <>
      {shown.length > 1 && (
        <Group justify="flex-end">
          <SegmentedControl
            size="xs"
            aria-label="Quantity"
            data={shown.map((quantity) => ({ value: quantity.channel, label: quantity.label }))}
            value={channel}
            onChange={(value) => setChannel(value as TraceChannel)}
          />
        </Group>
      )}
      <TraceChart
        key={channel}
        label={label}
        unit={unit}
        devices={labels}
        ask={ask}
        shades={shades}
        height={300}
        epochUnixMs={null}
      />
      <ShadeLegend />
    </>
  );
}

/** Runs of other versions may have stored less about a device. */
function hasChannels(device: DeviceInfo): boolean {
  return Array.isArray(device.channels);
}

function labelOf(run: RunDetail, id: string): TraceDeviceLabel {
  // Readings of a meter were measured, whatever the devices' were.
  if (id === "meter" && run.meter !== null) return { name: run.meter.name, provenance: "measured" };
  const device = run.devices.find(({ device_id }) => device_id === id);
  // What nobody knows of is not called measured.
  return { name: device?.name ?? id, provenance: device?.provenance ?? run.provenance ?? "estimated" };
}

function phaseShades(run: RunDetail): Shade[] {
  const anchor = run.anchor_monotonic_ns ?? 0;
  const second = (ns: number) => (ns - anchor) / 1e9;
  const last = Math.max(...run.traces.map((trace) => trace.t1_ns));
  return run.phases.map((phase) => ({
    label: phase.phase,
    kind: "phase",
    fromS: second(phase.start_ns),
    toS: second(phase.end_ns ?? last),
  }));
}
