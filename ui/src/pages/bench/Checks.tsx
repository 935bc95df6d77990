// What was looked at on this machine, what came of it, and how to mend what is missing.
import { ActionIcon, Code, CopyButton, Group, Stack, Text, ThemeIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconInfoCircle, IconX } from "@tabler/icons-react";

import type { Check, CheckStatus, Doctor } from "../../api/bindings";
import { Loading } from "../../components/Page";

const LOOK: Record<CheckStatus, { color: string; icon: typeof IconCheck; word: string }> = {
  ok: { color: "green", icon: IconCheck, word: "as it should be" },
  note: { color: "yellow", icon: IconInfoCircle, word: "worth knowing" },
  failed: { color: "red", icon: IconX, word: "campaigns cannot run" },
};

export function Checks({ doctor }: { doctor: Doctor | undefined }) {
  if (doctor === undefined) return <Loading what="Looking at this machine" />;
  // Services have a table of their own.
  const checks = doctor.checks.filter(
    (check) => !check.name.startsWith("service ") && check.name !== "docker",
  );
  return (
    <Stack gap={8} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
      {checks.map((check) => (
        <CheckRow key={check.name} check={check} />
      ))}
    </Stack>
  );
}

function CheckRow({ check }: { check: Check }) {
  const { color, icon: Icon, word } = LOOK[check.status];
  return (
    <Group component="li" gap="xs" wrap="nowrap" align="flex-start">
      <ThemeIcon size={20} radius="xl" variant="light" color={color} role="img" aria-label={word}>
        <Icon size={13} aria-hidden />
      </ThemeIcon>
      <Text size="sm" fw={600} w={72} style={{ flexShrink: 0 }}>
        {check.name}
      </Text>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {check.message}
        </Text>
        {check.remedy !== null && <Remedy text={check.remedy} />}
      </div>
    </Group>
  );
}

export function Remedy({ text }: { text: string }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Code style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}>{text}</Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : "Copy"}>
            <ActionIcon size="xs" variant="subtle" color="gray" aria-label="Copy the remedy" onClick={copy}>
              {copied ? <IconCheck size={12} /> : <IconCopy size={12} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
