// Thermal gaps: the value in force and who set it. The engine says both; here only this campaign's own value is written.
import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import type { PlanPreview, ResolvedSeconds } from "../../api/bindings";
import { duration } from "../../lib/format";
import { NumberField } from "./fields";
import { useLens } from "./lens";

export function Gaps({ plan }: { plan: PlanPreview | undefined }) {
  return (
    <Stack gap="xs">
      <Gap
        label="Between experiments of a cycle"
        path={["execution", "config_gap_seconds"]}
        force={plan?.between_experiments}
      />
      <Gap
        label="Where the cycle changes"
        path={["execution", "cycle_gap_seconds"]}
        force={plan?.between_cycles}
      />
      <Text size="xs" c="dimmed">
        Without a value here, the one of{" "}
        <Anchor component={Link} to="/settings" size="xs" underline="always">
          .lem-config.yaml
        </Anchor>{" "}
        is in force.
      </Text>
    </Stack>
  );
}

function Gap(props: { label: string; path: [string, string]; force: ResolvedSeconds | undefined }) {
  const { label, path, force } = props;
  const { set, disabled } = useLens();
  const own = force?.source.kind === "campaign";
  return (
    <Group align="flex-end" gap="sm" wrap="nowrap">
      <div style={{ flex: 1 }}>
        <NumberField
          label={label}
          path={path}
          unit="s"
          whole={false}
          placeholder={force === undefined ? "" : `${force.value}`}
        />
      </div>
      {force && (
        <Stack gap={2} w={200} pb={4}>
          <Text size="sm" fw={600}>
            {duration(force.value)} in force
          </Text>
          <Group gap={6}>
            <Badge size="xs" variant="light" tt="none" color={own ? "teal" : "gray"}>
              {force.source_text}
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
      )}
    </Group>
  );
}
