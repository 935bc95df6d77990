// What a file would become: lines that go, lines that come, and a few around them.
import { Box, Text } from "@mantine/core";
import { structuredPatch } from "diff";

export function DiffView({ before, after, file }: { before: string; after: string; file: string }) {
  const { hunks } = structuredPatch(file, file, before, after, "", "", { context: 2 });
  if (hunks.length === 0) return <Text size="sm">Nothing changes.</Text>;
  return (
    <Box
      className="mono"
      role="region"
      aria-label="Changes"
      tabIndex={0}
      mah={360}
      style={{ overflow: "auto" }}
    >
      {hunks.flatMap((hunk, index) => [
        ...(index > 0 ? [<div key={`gap-${hunk.oldStart}`}>⋯</div>] : []),
        ...hunk.lines.map((line, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- lines of a text have no other name
          <DiffLine key={`${hunk.oldStart}-${at}`} line={line} />
        )),
      ])}
    </Box>
  );
}

function DiffLine({ line }: { line: string }) {
  const background = line.startsWith("+")
    ? "light-dark(#d9f5e5, #123a2a)"
    : line.startsWith("-")
      ? "light-dark(#fde1e1, #46191c)"
      : "transparent";
  return <div style={{ background, whiteSpace: "pre-wrap", padding: "0 6px" }}>{line}</div>;
}
