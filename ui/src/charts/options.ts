// The figures of the results: histograms, bars with intervals, and energy against speed.
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn } from "echarts";

import { digits } from "../lib/format";
import type { Bin } from "../lib/quantile";
import type { Option } from "./echarts";

export const GRID = { left: 64, right: 20, top: 16, bottom: 46, containLabel: false };
export const TEXT = { fontFamily: "'Inter Variable', sans-serif", fontSize: 11 };

export function histogramOption(label: string, unit: string, bins: Bin[]): Option {
  return {
    textStyle: TEXT,
    grid: GRID,
    tooltip: { trigger: "axis" },
    xAxis: {
      type: "category",
      data: bins.map((bin) => digits(bin.from)),
      name: unit,
      nameLocation: "middle",
      nameGap: 28,
    },
    yAxis: { type: "value", name: "", minInterval: 1 },
    series: [
      {
        name: label,
        type: "bar",
        barCategoryGap: "4%",
        data: bins.map((bin) => bin.count),
        itemStyle: { color: "#0072B2" },
      },
    ],
  };
}

/** One experiment of a figure. */
export type Bar = {
  name: string;
  color: string;
  mean: number;
  low: number | null;
  high: number | null;
  values: number[];
};

/** Bars of means with their intervals, and the value of each cycle as a point. */
export function barsOption(axis: string, bars: Bar[], ink: string): Option {
  return {
    textStyle: TEXT,
    grid: { ...GRID, left: 72, bottom: 70 },
    tooltip: { trigger: "item" },
    xAxis: {
      type: "category",
      data: bars.map((bar) => bar.name),
      axisLabel: {
        interval: 0,
        width: Math.max(40, Math.min(110, 240 / bars.length)),
        overflow: "breakAll",
        fontSize: 10,
      },
    },
    yAxis: { type: "value", name: axis, nameLocation: "middle", nameGap: 52, min: 0 },
    series: [
      {
        name: "mean",
        type: "bar",
        barMaxWidth: 64,
        data: bars.map((bar) => ({ value: bar.mean, itemStyle: { color: bar.color, opacity: 0.75 } })),
      },
      {
        name: "95 % interval",
        type: "custom",
        data: bars.flatMap((bar, index) =>
          bar.low === null || bar.high === null ? [] : [[index, bar.low, bar.high]],
        ),
        encode: { x: 0, y: [1, 2] },
        renderItem: (_, api) => whisker(api, ink),
        z: 10,
      },
      {
        name: "cycle",
        type: "scatter",
        symbolSize: 6,
        data: bars.flatMap((bar, index) => bar.values.map((value) => [index, value])),
        itemStyle: { color: "transparent", borderColor: ink, borderWidth: 1.2 },
        z: 11,
      },
    ],
  };
}

function whisker(api: CustomSeriesRenderItemAPI, ink: string): CustomSeriesRenderItemReturn {
  const [index, low, high] = [Number(api.value(0)), Number(api.value(1)), Number(api.value(2))];
  const [x = 0, bottom = 0] = api.coord([index, low]);
  const [, top = 0] = api.coord([index, high]);
  const style = { stroke: ink, lineWidth: 1.6, fill: "none" };
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    ({ type: "line", shape: { x1, y1, x2, y2 }, style }) as const;
  return {
    type: "group",
    children: [line(x, bottom, x, top), line(x - 7, top, x + 7, top), line(x - 7, bottom, x + 7, bottom)],
  };
}

/** One experiment of a figure of two quantities. */
export type Point = { name: string; color: string; x: number; y: number; onFront: boolean };

/** Energy against another quantity; the experiments that nothing beats in both are joined by a line. */
export function frontOption(xAxis: string, yAxis: string, points: Point[]): Option {
  // A name stands on the side where there is more room.
  const xs = points.map((point) => point.x);
  const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
  const front = points.filter((point) => point.onFront).toSorted((a, b) => a.x - b.x);
  return {
    textStyle: TEXT,
    grid: { ...GRID, left: 72 },
    tooltip: { trigger: "item" },
    xAxis: { type: "value", name: xAxis, nameLocation: "middle", nameGap: 28, scale: true },
    yAxis: { type: "value", name: yAxis, nameLocation: "middle", nameGap: 52, scale: true },
    series: [
      {
        name: "Pareto front",
        type: "line",
        data: front.map((point) => [point.x, point.y]),
        symbol: "none",
        lineStyle: { type: "dashed", color: "#888" },
      },
      {
        name: "experiments",
        type: "scatter",
        data: points.map((point) => ({
          name: point.name,
          value: [point.x, point.y],
          symbol: point.onFront ? "diamond" : "circle",
          symbolSize: point.onFront ? 14 : 10,
          itemStyle: { color: point.color },
          label: { position: point.x > middle ? "left" : "right" },
        })),
        label: { show: points.length <= 12, formatter: "{b}", fontSize: 10, offset: [0, -8] },
        labelLayout: { hideOverlap: true },
      },
    ],
  };
}
