// Figures as files: vector graphics for papers, pixels for slides.
import { host } from "../api/host";
import { deviceColor } from "../lib/colors";
import { digits } from "../lib/format";
import { withLevels, type Extent, type Level } from "./levels";
import type { Range } from "./range";
import { shadeColor, type Shade } from "./spans";
import { timeLabel } from "./uplot";
import type { TraceWindow } from "../api/trace";

const SIZE = { width: 900, height: 360, left: 64, right: 16, top: 28, bottom: 36 };

/** Saves vector graphics where the person says; null when that was cancelled. */
export function saveSvg(name: string, svg: string): Promise<string | null> {
  return host().saveFigure(name, "svg", svg);
}

/** Saves vector graphics as pixels, twice as many as their size says. */
export async function saveSvgAsPng(name: string, svg: string): Promise<string | null> {
  const image = new Image();
  image.src = `data:image/svg+xml;base64,${btoa(unescape(encodeURIComponent(svg)))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * 2, image.height * 2];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return host().saveFigure(name, "png", canvas.toDataURL("image/png").split(",")[1] ?? "");
}

export type TraceFigure = {
  range: Range;
  window: TraceWindow;
  names: string[];
  unit: string;
  shades: Shade[];
  levels: Level[];
  epochUnixMs: number | null;
};

/** The shown stretch of a trace as vector graphics on white, with axes and legend: the envelope, no peak lost. */
export function traceSvg(figure: TraceFigure): string {
  const { range, window } = figure;
  const inner = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
  const [low, high] = extremes(figure);
  const x = (second: number) =>
    SIZE.left + ((second - range.fromS) / (range.toS - range.fromS)) * inner.width;
  const y = (value: number) => SIZE.top + (1 - (value - low) / (high - low || 1)) * inner.height;
  const shades = figure.shades
    .filter((shade) => shade.toS > range.fromS && shade.fromS < range.toS)
    .map((shade) => {
      const [from, to] = [
        Math.max(x(shade.fromS), SIZE.left),
        Math.min(x(shade.toS), SIZE.left + inner.width),
      ];
      return `<rect x="${n(from)}" y="${SIZE.top}" width="${n(to - from)}" height="${inner.height}" fill="${shadeColor(shade, false)}"><title>${escape(shade.label)}</title></rect>`;
    });
  const lines = figure.names.map((name, device) => {
    const path = envelopePath(window, device, range, x, y);
    return `<path d="${path}" fill="${deviceColor(device)}" fill-opacity="0.85" stroke="${deviceColor(device)}" stroke-width="0.8"><title>${escape(name)}</title></path>`;
  });
  const [left, right] = [SIZE.left, SIZE.width - SIZE.right];
  const levels = figure.levels.map(({ device, value, label }) => {
    const at = n(y(value));
    const line = `<path d="M${left},${at}H${right}" fill="none" stroke="${deviceColor(device)}" stroke-dasharray="6 4"/>`;
    return `${line}<text x="${right - 4}" y="${n(y(value) - 3)}" text-anchor="end" fill="${deviceColor(device)}">${escape(label)}</text>`;
  });
  const legend = figure.names.map(
    (name, device) =>
      `<text x="${SIZE.left + device * 200}" y="18" fill="${deviceColor(device)}">${escape(name)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${SIZE.height}" font-family="Inter, sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...shades,
    ...lines,
    ...levels,
    ...legend,
    axes(figure, low, high, x, y),
    "</svg>",
  ].join("\n");
}

function extremes({ window, levels }: TraceFigure): Extent {
  const values = window.devices
    .flatMap(({ min, max }) => [...min, ...max])
    .filter((value) => !Number.isNaN(value));
  const greatest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const held = withLevels(Number.isFinite(greatest) ? [least, greatest] : null, levels);
  if (held === null) return [0, 1];
  const [low, high] = held;
  const pad = (high - low) * 0.08 || 1;
  return [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
}

/** A band from the least to the greatest values; a gap begins another one. */
function envelopePath(
  window: TraceWindow,
  device: number,
  range: Range,
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const data = window.devices[device];
  if (data === undefined) return "";
  const bands: number[][] = [[]];
  for (let bucket = 0; bucket < window.buckets; bucket += 1) {
    const at = window.fromS + (bucket + 0.5) * window.stepS;
    const there = !Number.isNaN(data.min[bucket] ?? Number.NaN) && at >= range.fromS && at <= range.toS;
    if (there) bands.at(-1)?.push(bucket);
    else if (bands.at(-1)?.length) bands.push([]);
  }
  const point = (bucket: number, values: Float32Array) =>
    `${n(x(window.fromS + (bucket + 0.5) * window.stepS))},${n(y(values[bucket] ?? 0))}`;
  return bands
    .filter((band) => band.length > 0)
    .map((band) => {
      const there = band.map((bucket) => point(bucket, data.max));
      const back = band.toReversed().map((bucket) => point(bucket, data.min));
      return `M${there.join("L")}L${back.join("L")}Z`;
    })
    .join("");
}

function axes(
  figure: TraceFigure,
  low: number,
  high: number,
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const [bottom, right] = [SIZE.height - SIZE.bottom, SIZE.width - SIZE.right];
  const times = ticks(figure.range.fromS, figure.range.toS, 8);
  const values = ticks(low, high, 5);
  return [
    `<path d="M${SIZE.left},${SIZE.top}V${bottom}H${right}" fill="none" stroke="#333"/>`,
    ...times.map(
      (time) =>
        `<text x="${n(x(time))}" y="${bottom + 16}" text-anchor="middle">${timeLabel(time, figure.epochUnixMs, times)}</text>`,
    ),
    ...values.map(
      (value) =>
        `<text x="${SIZE.left - 6}" y="${n(y(value) + 4)}" text-anchor="end">${digits(value)} ${escape(figure.unit)}</text>`,
    ),
  ].join("\n");
}

/** Round numbers between two values. */
export function ticks(from: number, to: number, about: number): number[] {
  const rough = (to - from) / about;
  if (!(rough > 0)) return [from];
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function n(value: number): string {
  return value.toFixed(1);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
