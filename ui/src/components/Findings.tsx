// What the engine found in a file: where, what, and what to do. Each leads to its field where there is one.
import { Anchor, Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle, IconX } from "@tabler/icons-react";

import type { Diagnostic, Severity } from "../api/bindings";

const LOOK: Record<Severity, { color: string; icon: typeof IconX }> = {
  error: { color: "red", icon: IconX },
  warning: { color: "orange", icon: IconAlertTriangle },
  note: { color: "blue", icon: IconInfoCircle },
};

export function Findings({ all, onShow }: { all: Diagnostic[]; onShow?: (finding: Diagnostic) => void }) {
  return (
    <Stack gap={6} role="list" aria-label="Problems">
      {all.map((finding, index) => (
        <Finding key={`${finding.code}-${finding.field}-${index}`} finding={finding} onShow={onShow} />
      ))}
    </Stack>
  );
}

function Finding(props: { finding: Diagnostic; onShow?: ((finding: Diagnostic) => void) | undefined }) {
  const { finding, onShow } = props;
  const { color, icon: Icon } = LOOK[finding.severity];
  const place = finding.at === null ? finding.field : `line ${finding.at.line}, column ${finding.at.column}`;
  return (
    <Group role="listitem" gap="xs" wrap="nowrap" align="flex-start">
      <ThemeIcon size={18} radius="xl" variant="light" color={color} role="img" aria-label={finding.severity}>
        <Icon size={12} aria-hidden />
      </ThemeIcon>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {finding.message}
        </Text>
        {finding.hint !== null && (
          <Text size="xs" c="dimmed">
            {finding.hint}
          </Text>
        )}
        {place !== null &&
          (onShow ? (
            <Anchor size="xs" component="button" type="button" onClick={() => onShow(finding)}>
              {place}
            </Anchor>
          ) : (
            <Text size="xs" c="dimmed">
              {place}
            </Text>
          ))}
      </div>
    </Group>
  );
}
