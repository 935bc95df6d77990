// Whether one quantity follows another: points, the fitted line, and those that stand out.
import type { Line } from "../api/bindings";
import type { Option } from "./echarts";
import { GRID, TEXT } from "./options";

/** A run of an experiment. */
export type Dot = { name: string; x: number; y: number; standsOut: boolean };

const OUTLIER = "#D55E00";
/** No point lies on an axis, and axes stand at the edges. */
const ROOM = {
  scale: true,
  boundaryGap: ["6%", "6%"] as [string, string],
  axisLine: { onZero: false },
};

/** The line is drawn over the points and no further: beyond them it says nothing. */
export function ends(line: Line, dots: readonly Dot[]): [number, number][] {
  const xs = dots.map(({ x }) => x);
  return [Math.min(...xs), Math.max(...xs)].map((x) => [x, line.intercept + line.slope * x]);
}

export function associationOption(
  xAxis: { name: string; from0: boolean },
  yAxis: string,
  { color, ink }: { color: string; ink: string },
  { dots, line }: { dots: Dot[]; line: Line },
): Option {
  return {
    textStyle: TEXT,
    grid: { ...GRID, left: 72 },
    tooltip: { trigger: "item" },
    xAxis: {
      type: "value",
      name: xAxis.name,
      nameLocation: "middle",
      nameGap: 28,
      ...ROOM,
      ...(xAxis.from0 ? { min: 0 } : {}),
    },
    yAxis: {
      type: "value",
      name: yAxis,
      nameLocation: "middle",
      nameGap: 52,
      ...ROOM,
    },
    series: [
      {
        name: "fitted line",
        type: "line",
        data: ends(line, dots),
        symbol: "none",
        lineStyle: { type: "dashed", color: "#888" },
      },
      {
        name: "runs",
        type: "scatter",
        data: dots.map(({ name, x, y, standsOut }) => ({
          name,
          value: [x, y],
          symbol: standsOut ? "triangle" : "circle",
          symbolSize: standsOut ? 14 : 9,
          // Seen on light and on dark grounds.
          itemStyle: { color: standsOut ? OUTLIER : color, borderColor: ink, borderWidth: 1 },
        })),
      },
    ],
  };
}
