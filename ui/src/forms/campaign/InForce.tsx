// A field with the value in force beside it, who set it, and the way back to the default.
import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

import type { Path } from "./document";
import { NumberField } from "./fields";
import { useLens } from "./lens";
import { inForce } from "./rest";

type Props = { path: Path; force: string; source: string; own: boolean; children: ReactNode };

export function InForce({ path, force, source, own, children }: Props) {
  const { set, disabled } = useLens();
  return (
    <Group align="flex-end" gap="sm" wrap="nowrap">
      <div style={{ flex: 1 }}>{children}</div>
      <Stack gap={2} w={200} pb={4}>
        <Text size="sm" fw={600}>
          {force} in force
        </Text>
        <Group gap={6}>
          <Badge size="xs" variant="light" tt="none" color={own ? "teal" : "gray"}>
            {source}
          </Badge>
          {own && (
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

type NumberProps = {
  label: string;
  path: Path;
  unit: string;
  show: (value: number) => string;
  min?: number;
  max?: number;
  whole?: boolean;
  description?: string;
};

/** A number that only the campaign file can set. */
export function NumberInForce({ show, whole = false, ...field }: NumberProps) {
  const { data } = useLens();
  const source = useOwnSource(field.path);
  const { value } = inForce(data, field.path);
  return (
    <InForce path={field.path} force={typeof value === "number" ? show(value) : "?"} {...source}>
      <NumberField {...field} whole={whole} placeholder={String(value)} />
    </InForce>
  );
}

/** Who set a value that only the campaign file can set. */
export function useOwnSource(path: Path): { source: string; own: boolean } {
  const { data, lineOf } = useLens();
  const own = inForce(data, path).written;
  const line = lineOf(path);
  if (!own) return { source: "built in", own };
  return { source: line === null ? "campaign file" : `campaign file, line ${line}`, own };
}
