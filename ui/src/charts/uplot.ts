// How uPlot is set up for traces: axes with units, shades behind the lines, colours of the scheme.
import type uPlot from "uplot";

import { deviceColor } from "../lib/colors";
import { digits, two } from "../lib/format";
import { drawLevels, withLevels, type Extent, type Level } from "./levels";
import { shadeColor, type Shade } from "./spans";

export type TraceStyle = {
  dark: boolean;
  unit: string;
  names: string[];
  /** Milliseconds since 1970 of second 0, for an axis of wall time; null for seconds. */
  epochUnixMs: number | null;
  shades: () => Shade[];
  levels: () => Level[];
  onCursor: (index: number | null) => void;
};

export function traceOptions(style: TraceStyle, width: number, height: number): uPlot.Options {
  const ink = style.dark ? "#b3bcc2" : "#495057";
  const grid = { stroke: style.dark ? "rgba(255,255,255,0.07)" : "rgba(0,0,0,0.07)", width: 1 };
  const axis = { stroke: ink, grid, ticks: grid, font: "11px 'Inter Variable', sans-serif" };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
    scales: {
      x: { time: false },
      y: { range: (_, min, max) => padded(withLevels(extent(min, max), style.levels())) },
    },
    axes: [
      {
        ...axis,
        space: 84,
        values: (_, ticks) => ticks.map((tick) => timeLabel(tick, style.epochUnixMs, ticks)),
      },
      { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => `${digits(tick)} ${style.unit}`) },
    ],
    series: [
      {},
      ...style.names.map((label, device): uPlot.Series => ({
        label,
        stroke: deviceColor(device, style.dark),
        width: 1, // Anything wider than a pixel is stroked as a shape, which costs ten times as much without a GPU.
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: {
      drawClear: [(chart) => drawShades(chart, style)],
      draw: [(chart) => drawLevels(chart, style.levels(), style.dark)],
      setCursor: [(chart) => style.onCursor(chart.cursor.idx ?? null)],
    },
  };
}

/** uPlot has nulls where there are no values, whatever its types say. */
function extent(min: number | null, max: number | null): Extent | null {
  return min === null || max === null ? null : [min, max];
}

function padded(values: Extent | null): Extent {
  if (values === null) return [0, 1];
  const [min, max] = values;
  const pad = Math.max((max - min) * 0.08, Math.abs(max) * 0.02, 0.05);
  return [min >= 0 ? Math.max(0, min - pad) : min - pad, max + pad];
}

/** Seconds from the begin of a run, or the time of day, with as many decimals as tell two ticks apart. */
export function timeLabel(second: number, epochUnixMs: number | null, ticks: number[] = []): string {
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  const decimals = step < 1 ? Math.ceil(-Math.log10(step) - 1e-6) : 0;
  // Adding 0 takes the sign from a zero.
  if (epochUnixMs === null) return `${(Number(second.toFixed(decimals)) + 0).toFixed(decimals)} s`;
  const at = new Date(epochUnixMs + second * 1000);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (step >= 60) return clock;
  const part = String(at.getMilliseconds()).padStart(3, "0").slice(0, decimals);
  return `${clock}:${two(at.getSeconds())}${part === "" ? "" : `.${part}`}`;
}

function drawShades(chart: uPlot, style: TraceStyle) {
  const { ctx } = chart;
  const { left, top, width, height } = chart.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.font = `${10 * devicePixelRatio}px 'Inter Variable', sans-serif`;
  ctx.textBaseline = "top";
  // The axes leave theirs behind.
  ctx.textAlign = "left";
  for (const shade of style.shades()) {
    const from = chart.valToPos(shade.fromS, "x", true);
    const to = chart.valToPos(shade.toS, "x", true);
    if (to < left || from > left + width) continue;
    ctx.fillStyle = shadeColor(shade, style.dark);
    ctx.fillRect(from, top, Math.max(1, to - from), height);
    if (to - from > ctx.measureText(shade.label).width + 8) {
      ctx.fillStyle = style.dark ? "rgba(255,255,255,0.55)" : "rgba(0,0,0,0.5)";
      ctx.fillText(shade.label, Math.max(from, left) + 4, top + 4);
    }
  }
  ctx.restore();
}
