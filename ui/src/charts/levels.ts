// Horizontal lines in a chart: values that a device is to reach.
import type uPlot from "uplot";

import { deviceColor } from "../lib/colors";

export type Level = { device: number; value: number; label: string };

export type Extent = [low: number, high: number];

/** What holds the values and the lines, so that a line is in view before the curve comes to it; null of nothing. */
export function withLevels(values: Extent | null, levels: readonly Level[]): Extent | null {
  const all = [...(values ?? []), ...levels.map(({ value }) => value)];
  return all.length === 0 ? null : [Math.min(...all), Math.max(...all)];
}

export function drawLevels(chart: uPlot, levels: readonly Level[], dark: boolean): void {
  const { ctx } = chart;
  const { left, width } = chart.bbox;
  ctx.save();
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${10 * devicePixelRatio}px 'Inter Variable', sans-serif`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "right";
  for (const { device, value, label } of levels) {
    const y = Math.round(chart.valToPos(value, "y", true));
    ctx.strokeStyle = deviceColor(device, dark);
    ctx.fillStyle = ctx.strokeStyle;
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillText(label, left + width - 4 * devicePixelRatio, y - 2 * devicePixelRatio);
  }
  ctx.restore();
}
