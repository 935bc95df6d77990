// What the worker writes, and what should be known of the run.
import { ActionIcon, Card, CopyButton, Group, ScrollArea, Switch, Text, Title, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

import type { LogLine } from "../../api/bindings";

export function WorkerLog({ lines }: { lines: LogLine[] }) {
  const [onlyWarnings, setOnlyWarnings] = useState(false);
  const viewport = useRef<HTMLDivElement>(null);
  const shown = onlyWarnings ? lines.filter((line) => line.kind !== "log") : lines;
  const last = shown.at(-1);
  useEffect(() => {
    const element = viewport.current;
    // Whoever has scrolled up is reading.
    if (element && element.scrollHeight - element.scrollTop - element.clientHeight < 80) {
      element.scrollTop = element.scrollHeight;
    }
  }, [last]);
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Worker</Title>
        <Group gap="sm">
          <Switch
            size="xs"
            label="Only warnings and errors"
            checked={onlyWarnings}
            onChange={(event) => setOnlyWarnings(event.currentTarget.checked)}
          />
          <CopyButton value={shown.map((line) => line.text).join("\n")}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? "Copied" : "Copy"}>
                <ActionIcon variant="subtle" color="gray" aria-label="Copy the log" onClick={copy}>
                  {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
        </Group>
      </Group>
      <ScrollArea
        h={140}
        viewportRef={viewport}
        viewportProps={{ tabIndex: 0, "aria-label": "Log of the worker" }}
      >
        {shown.length === 0 && (
          <Text size="sm" c="dimmed">
            Nothing yet.
          </Text>
        )}
        {shown.map((line, index) => (
          <Line key={`${line.t_s}-${index}`} line={line} />
        ))}
      </ScrollArea>
    </Card>
  );
}

function Line({ line }: { line: LogLine }) {
  const run = line.run_index === null ? "" : `run ${line.run_index + 1}  `;
  const word = line.kind === "log" ? "" : `${line.kind}: `;
  const color = line.kind === "error" ? { c: "red" } : line.kind === "warning" ? { c: "orange" } : {};
  return (
    <Text className="mono" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} {...color}>
      <Text span inherit c="dimmed">
        {run}
      </Text>
      {word}
      {line.text}
    </Text>
  );
}
