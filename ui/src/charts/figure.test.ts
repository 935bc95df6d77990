import { expect, test } from "vitest";

import { ticks, traceSvg } from "./figure";

test("ticks are round numbers within the range", () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.13, 0.47, 4)).toEqual([0.2, 0.3, 0.4]);
  expect(ticks(5, 5, 4)).toEqual([5]);
});

test("a trace becomes well-formed vector graphics that keep gaps and names", () => {
  const svg = traceSvg({
    range: { fromS: 0, toS: 4 },
    window: {
      fromS: 0,
      stepS: 1,
      extent: null,
      buckets: 4,
      devices: [
        { min: Float32Array.from([1, Number.NaN, 2, 3]), max: Float32Array.from([2, Number.NaN, 4, 5]) },
      ],
    },
    names: ["A & B <estimated>"],
    unit: "W",
    shades: [{ label: "measure", kind: "phase", fromS: 1, toS: 2 }],
    levels: [{ device: 0, value: 9, label: "waiting for 9 W" }],
    epochUnixMs: null,
  });
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  expect(parsed.querySelector("parsererror")).toBeNull();
  const path = [...parsed.querySelectorAll("path")].find(
    (element) => element.getAttribute("fill") !== "none",
  );
  expect(path?.getAttribute("d")?.match(/M/g)).toHaveLength(2);
  expect(svg).toContain("A &amp; B &lt;estimated");
  const line = parsed.querySelector("path[stroke-dasharray]")?.getAttribute("d") ?? "";
  const y = Number(/^M64,([\d.]+)H884$/.exec(line)?.[1]);
  expect(y, "the line is in view, above the curve").toBeGreaterThan(28);
  expect(y).toBeLessThan(100);
  expect(svg).toContain("waiting for 9 W");
});
