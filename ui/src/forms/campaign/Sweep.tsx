// The axes of a sweep: each key with its values. Several values make an axis, one is the same for all.
import { ActionIcon, Group, Select, Stack, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";

import { valueIn, type Data, type Path } from "./document";
import { ListField } from "./fields";
import { useLens } from "./lens";

type Props = {
  label: string;
  path: Path;
  known: string[];
  /** A key of it that has its field elsewhere in the form. */
  elsewhere?: Path | null;
  suggestions: (key: string) => string[];
};

export function Sweep({ label, path, known, elsewhere = null, suggestions }: Props) {
  const { data, set, disabled } = useLens();
  const section = valueIn(data, path);
  const isHere = (key: string) => key !== elsewhere?.at(-1);
  const keys = isMapping(section) ? Object.keys(section).filter(isHere) : [];
  const axes = keys.filter((key) => !isMapping(isMapping(section) ? section[key] : undefined));
  const nested = keys.length - axes.length;
  return (
    <Stack gap={6}>
      {axes.map((key) => (
        <Group key={key} gap="xs" align="flex-end" wrap="nowrap">
          <div style={{ flex: 1 }}>
            <ListField
              label={key}
              path={[...path, key]}
              suggestions={suggestions(key)}
              placeholder="values"
            />
          </div>
          <ActionIcon
            variant="subtle"
            color="gray"
            mb={4}
            disabled={disabled}
            aria-label={`Remove ${key}`}
            onClick={() => set([...path, key], undefined)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      {nested > 0 && (
        <Text size="xs" c="dimmed">
          {nested} more {nested === 1 ? "section is" : "sections are"} written in the YAML.
        </Text>
      )}
      <Select
        size="xs"
        searchable
        disabled={disabled}
        placeholder={label}
        aria-label={label}
        data={known.filter((key) => isHere(key) && !keys.includes(key))}
        value={null}
        onChange={(key) => key !== null && set([...path, key], first(suggestions(key)))}
      />
    </Stack>
  );
}

function isMapping(value: Data | undefined): value is { [key: string]: Data } {
  return value !== null && value !== undefined && typeof value === "object" && !Array.isArray(value);
}

/** A key needs a value to be there; the person then types others. */
function first(suggestions: string[]): Data {
  return suggestions[0] ?? 1;
}
