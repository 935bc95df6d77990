// The trace of one quantity over time, for all devices: live, or of a stored run.
import { ActionIcon, Box, Group, Menu, Text, Tooltip, useComputedColorScheme } from "@mantine/core";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import { IconDownload, IconPlayerTrackNext, IconZoomReset } from "@tabler/icons-react";
import { memo, useCallback, useEffect, useRef, useState } from "react";
import { notifications } from "@mantine/notifications";

import type { Provenance } from "../api/bindings";
import { showError } from "../api/queries";
import type { TraceWindow } from "../api/trace";
import { ProvenanceMark } from "../components/Quantity";
import { deviceColor } from "../lib/colors";
import { plain } from "../lib/format";
import { provenanceMark } from "../lib/provenance";
import { summary } from "./columns";
import { saveSvg, saveSvgAsPng, traceSvg } from "./figure";
import type { Level } from "./levels";
import type { Shade } from "./spans";
import { TraceView, type Ask } from "./trace-view";

export type TraceDeviceLabel = { name: string; provenance: Provenance };

export type TraceChartProps = {
  label: string;
  unit: string;
  devices: TraceDeviceLabel[];
  ask: Ask;
  shades: Shade[];
  levels?: Level[];
  height: number;
  /** Milliseconds since 1970 of second 0: shows the time of day. Null shows seconds. */
  epochUnixMs: number | null;
  /** The end of a trace that grows: the chart follows it with this many seconds in view. */
  follow?: { nowS: number; spanS: number };
  /** A chart beside many others: no toolbar. */
  bare?: boolean;
};

const NO_LEVELS: Level[] = [];

export function TraceChart(props: TraceChartProps) {
  const dark = useComputedColorScheme("light") === "dark";
  const { ref: measured, width } = useElementSize<HTMLDivElement>();
  const box = useRef<HTMLDivElement>(null);
  const boxRef = useMergedRef(box, measured);
  const view = useRef<TraceView | null>(null);
  const latest = useRef(props);
  const [window, setWindow] = useState<TraceWindow | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const [following, setFollowing] = useState(props.follow !== undefined);
  const names = props.devices.map((device) => device.name).join("\n");
  const follow = useCallback(() => setFollowing(true), []);

  // The first of the effects: those below read it.
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new TraceView(
      element,
      {
        dark,
        unit: props.unit,
        names: names === "" ? [] : names.split("\n"),
        epochUnixMs: props.epochUnixMs,
        shades: () => latest.current.shades,
        levels: () => latest.current.levels ?? NO_LEVELS,
        onCursor: setCursor,
      },
      latest.current.height,
      (from, to, buckets) => latest.current.ask(from, to, buckets),
      { drawn: setWindow, moved: () => setFollowing(false), failed: showError },
    );
    view.current = made;
    if (latest.current.follow === undefined) void showWhole(made, latest.current.ask);
    return () => {
      view.current = null;
      made.destroy();
    };
  }, [box, dark, names, props.unit, props.epochUnixMs]);

  useEffect(() => view.current?.resize(width, props.height), [width, props.height]);
  useFollow(view, props.follow, following, width);
  useEffect(() => {
    if (props.follow === undefined) view.current?.redraw();
  }, [props.shades, props.follow]);

  return (
    <Box>
      <Legend {...props} window={window} cursor={cursor}>
        {props.bare !== true && (
          <Toolbar
            view={view}
            latest={latest}
            label={props.label}
            onFollow={props.follow !== undefined && !following ? follow : undefined}
          />
        )}
      </Legend>
      <Box
        ref={boxRef}
        role="img"
        tabIndex={0}
        aria-label={spoken(props, window)}
        onKeyDown={(event) => {
          if (view.current?.key(event.key) === true) event.preventDefault();
        }}
        style={{ minHeight: props.height }}
      />
    </Box>
  );
}

/** The whole extent of a stored trace. */
async function showWhole(view: TraceView, ask: Ask) {
  try {
    const { extent } = await ask(0, 1, 1);
    if (extent !== null) view.show({ fromS: extent.beginS, toS: Math.max(extent.endS, extent.beginS + 0.2) });
  } catch (error) {
    showError(error);
  }
}

/** Keeps the end of a growing trace in view, ten times a second at most, and only while the page is seen. */
function useFollow(
  view: React.RefObject<TraceView | null>,
  follow: TraceChartProps["follow"],
  following: boolean,
  width: number,
) {
  useEffect(() => {
    if (follow === undefined || !following || document.hidden) return;
    view.current?.show({ fromS: follow.nowS - follow.spanS, toS: follow.nowS }, true);
  }, [view, follow, following, width]);
}

function Legend(
  props: TraceChartProps & { window: TraceWindow | null; cursor: number | null; children: React.ReactNode },
) {
  return (
    <Group justify="space-between" gap="xs" wrap="nowrap" mih={26}>
      <Group gap="md">
        <Text size="xs" fw={600}>
          {props.label}
        </Text>
        {props.devices.map((device, index) => (
          <Group key={`${device.name}-${index}`} gap={5} wrap="nowrap">
            <Box
              w={14}
              h={3}
              bg={`light-dark(${deviceColor(index)}, ${deviceColor(index, true)})`}
              style={{ borderRadius: 2 }}
              aria-hidden
            />
            <Text size="xs">
              {device.name} {legendValue(props, index)}
            </Text>
            <ProvenanceMark of={device.provenance} />
          </Group>
        ))}
      </Group>
      <Group gap={2} wrap="nowrap">
        {props.children}
      </Group>
    </Group>
  );
}

/** The value under the cursor, or the last one. */
function legendValue(
  { window, cursor, unit }: { window: TraceWindow | null; cursor: number | null; unit: string },
  device: number,
): string {
  if (window === null) return "";
  if (cursor === null) return plain(summary(window, device)?.last, unit);
  const bucket = cursor >> 1;
  const [low, high] = [window.devices[device]?.min[bucket], window.devices[device]?.max[bucket]];
  const [least, greatest] = [plain(low, unit), plain(high, unit)];
  return least === greatest ? greatest : `${least} to ${greatest}`;
}

/** Not drawn again with every reading. */
const Toolbar = memo(function Toolbar(props: {
  view: React.RefObject<TraceView | null>;
  latest: React.RefObject<TraceChartProps>;
  label: string;
  onFollow: (() => void) | undefined;
}) {
  const { view, latest, label } = props;
  return (
    <>
      {props.onFollow && (
        <Tooltip label="Follow the present">
          <ActionIcon variant="light" aria-label="Follow the present" onClick={props.onFollow}>
            <IconPlayerTrackNext size={16} />
          </ActionIcon>
        </Tooltip>
      )}
      <Tooltip label="Show everything (Home)">
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Show everything"
          onClick={() => view.current?.showAll()}
        >
          <IconZoomReset size={16} />
        </ActionIcon>
      </Tooltip>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Save the figure: ${label}`}>
            <IconDownload size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => void save(view.current, latest.current, saveSvg)}>SVG</Menu.Item>
          <Menu.Item onClick={() => void save(view.current, latest.current, saveSvgAsPng)}>PNG</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
});

async function save(
  view: TraceView | null,
  chart: TraceChartProps,
  write: (name: string, svg: string) => Promise<string | null>,
) {
  const shown = view?.shown();
  if (shown == null) return;
  const names = chart.devices.map(({ name, provenance }) => name + provenanceMark(provenance));
  try {
    const { unit, shades, levels = NO_LEVELS, epochUnixMs } = chart;
    const path = await write(chart.label, traceSvg({ ...shown, names, unit, shades, levels, epochUnixMs }));
    if (path !== null) notifications.show({ title: "Saved", message: path });
  } catch (error) {
    showError(error);
  }
}

/** What a person who does not see the picture is told. */
function spoken(props: TraceChartProps, window: TraceWindow | null): string {
  const devices = props.devices.map(({ name, provenance }, index) => {
    const values = window === null ? null : summary(window, index);
    if (values === null) return `${name}: no values`;
    const { min, max, last } = values;
    return `${name}${provenanceMark(provenance)}: ${plain(min, props.unit)} to ${plain(max, props.unit)}, last ${plain(last, props.unit)}`;
  });
  const levels = (props.levels ?? NO_LEVELS).map(({ label }) => ` Line: ${label}.`).join("");
  return `${props.label} over time. ${devices.join(". ")}.${levels} Arrow keys move, plus and minus zoom, Home shows everything.`;
}
