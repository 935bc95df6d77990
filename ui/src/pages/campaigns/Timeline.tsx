// The plan as a strip: each run a block in the colour of its backend, each gap a thin grey one, as wide as it takes.
import { Box, Text, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState } from "react";

import type { PlanPreview } from "../../api/bindings";
import { backendColor } from "../../lib/colors";
import { duration } from "../../lib/format";
import { blockAt, blocks } from "./blocks";

const HEIGHT = 44;

export function Timeline({ plan }: { plan: PlanPreview }) {
  const dark = useComputedColorScheme("light") === "dark";
  const { ref, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const all = useMemo(() => blocks(plan.runs), [plan.runs]);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || width === 0) return;
    const scale = devicePixelRatio;
    context.canvas.width = width * scale;
    context.canvas.height = HEIGHT * scale;
    context.scale(scale, scale);
    for (const block of all) {
      const [x, w] = [block.from * width, Math.max(0.5, (block.to - block.from) * width - 0.5)];
      if (block.kind === "gap") {
        context.fillStyle = dark ? "rgba(255,255,255,0.12)" : "rgba(0,0,0,0.10)";
        context.fillRect(x, HEIGHT * 0.45, w, HEIGHT * 0.25);
      } else {
        context.fillStyle = backendColor(plan.experiments[block.experiment]?.backend ?? "");
        context.fillRect(x, 4, w, HEIGHT - 8);
      }
    }
  }, [all, width, dark, plan.experiments]);
  if (plan.runs.length === 0) return null;
  const block = at === null ? null : blockAt(all, at);
  const experiment = block === null ? null : plan.experiments[block.experiment];
  // An adaptive gap is drawn as long as it may take.
  const most = plan.thermal.mode.value === "adaptive" ? "at most " : "";
  const told = plan.runs.length < plan.runs_total ? `, the first ${plan.runs.length} of them shown` : "";
  return (
    <Box ref={ref} mt="sm">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Timeline of ${plan.runs_total} runs${told}, ${most}${duration(plan.total_gap_s)} of gaps in all`}
        style={{ width: "100%", height: HEIGHT, display: "block" }}
        onMouseMove={(event) => setAt(event.nativeEvent.offsetX / Math.max(1, width))}
        onMouseLeave={() => setAt(null)}
      />
      <Text size="xs" c="dimmed" mih={18}>
        {block === null
          ? "Blocks are runs, bars between them thermal gaps; widths are times, equal where none is known."
          : block.kind === "gap"
            ? `gap of ${most}${duration(block.seconds)} before run ${block.run + 1}`
            : `run ${block.run + 1}: ${experiment?.name ?? ""}, cycle ${block.cycle}`}
      </Text>
    </Box>
  );
}
