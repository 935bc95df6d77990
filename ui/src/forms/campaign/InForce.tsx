// A field with the value in force beside it, who set it, and the way back to the default. The engine tells both.
import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

import type { Value } from "../../api/bindings";
import type { Path } from "./document";
import { NumberField } from "./fields";
import { useLens } from "./lens";
import { written } from "./rest";

type Props = { path: Path; show: (value: Value) => string; children: ReactNode };

export function InForce({ path, show, children }: Props) {
  const { data, set, disabled, inForce } = useLens();
  const force = inForce(path);
  return (
    <Group align="flex-end" gap="sm" wrap="nowrap">
      <div style={{ flex: 1 }}>{children}</div>
      <Stack gap={2} w={200} pb={4}>
        {force !== null && (
          <Text size="sm" fw={600}>
            {show(force.value)} in force
          </Text>
        )}
        <Group gap={6}>
          <SetBy path={path} />
          {written(data, path) !== undefined && (
            <Anchor
              component="button"
              type="button"
              size="xs"
              disabled={disabled}
              onClick={() => set(path, undefined)}
            >
              use the default
            </Anchor>
          )}
        </Group>
      </Stack>
    </Group>
  );
}

/** Who set the value in force: green where this campaign did, at this very place. */
export function SetBy({ path }: { path: Path }) {
  const { data, inForce } = useLens();
  const force = inForce(path);
  if (force === null) return null;
  return (
    <Badge
      component="span"
      size="xs"
      variant="light"
      tt="none"
      color={written(data, path) === undefined ? "gray" : "teal"}
    >
      {force.source_text}
    </Badge>
  );
}

type NumberProps = {
  label: string;
  path: Path;
  unit: string;
  show: (value: number) => string;
  says?: "range";
  description?: string;
};

export function NumberInForce({ show, ...field }: NumberProps) {
  return (
    <InForce path={field.path} show={(value) => (typeof value === "number" ? show(value) : "?")}>
      <NumberField {...field} />
    </InForce>
  );
}
