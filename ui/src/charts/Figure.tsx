// A chart for a report: drawn as vector graphics, saved as such or as pixels.
import { ActionIcon, Box, Group, Menu, Text, useComputedColorScheme } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useRef } from "react";

import { showError } from "../api/queries";
import { begin, type Option } from "./echarts";
import { saveSvg, saveSvgAsPng } from "./figure";

type Props = {
  name: string;
  height: number;
  /** The picture in an ink: that of texts, for what has no colour of its own. */
  draw: (ink: string) => Option;
  /** What is told instead of the picture. */
  spoken: string;
};

const INK = { light: "#222", dark: "#e6eaed" } as const;

export function Figure({ name, height, draw, spoken }: Props) {
  const dark = useComputedColorScheme("light") === "dark";
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const chart = begin(element, dark ? "dark" : null, { renderer: "svg" });
    const animation = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    chart.setOption({ ...draw(dark ? INK.dark : INK.light), backgroundColor: "transparent", animation });
    const resized = new ResizeObserver(() => chart.resize());
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.dispose();
    };
  }, [draw, dark]);
  return (
    <Box>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600}>
          {name}
        </Text>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`Save the figure: ${name}`}>
              <IconDownload size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void save(name, draw, saveSvg)}>SVG</Menu.Item>
            <Menu.Item onClick={() => void save(name, draw, saveSvgAsPng)}>PNG</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <div ref={box} role="img" aria-label={`${name}. ${spoken}`} style={{ height }} />
    </Box>
  );
}

/** Saved figures are drawn anew, on white and of one size, whatever the window looks like. */
async function save(
  name: string,
  draw: Props["draw"],
  write: (name: string, svg: string) => Promise<string | null>,
) {
  const chart = begin(null, null, { renderer: "svg", ssr: true, width: 720, height: 420 });
  try {
    chart.setOption({ ...draw(INK.light), backgroundColor: "#fff", animation: false });
    const path = await write(name, chart.renderToSVGString());
    if (path !== null) notifications.show({ title: "Saved", message: path });
  } catch (error) {
    showError(error);
  } finally {
    chart.dispose();
  }
}
