// One of a few ways, each with what it means; the one in force is marked, and beside the question stands who set it.
import { Badge, Radio, Stack, Text } from "@mantine/core";

import { fieldId, useLens } from "./lens";

type Props<Value extends string> = {
  label: string;
  /** Dotted path: where problems with it lead. */
  path: string;
  source: string;
  own: boolean;
  value: Value | null;
  choices: Record<Value, { name: string; what: string }>;
  onChoose: (value: Value) => void;
};

export function Choices<Value extends string>(props: Props<Value>) {
  const { label, path, source, own, value, choices, onChoose } = props;
  const { disabled } = useLens();
  return (
    <Radio.Group
      label={label}
      description={
        <Badge component="span" size="xs" variant="light" tt="none" color={own ? "teal" : "gray"}>
          {source}
        </Badge>
      }
      id={fieldId(path)}
      tabIndex={-1}
      value={value}
      onChange={(chosen) => onChoose(chosen as Value)}
    >
      <Stack gap={4} mt={4}>
        {(Object.keys(choices) as Value[]).map((choice) => (
          <Radio
            key={choice}
            value={choice}
            disabled={disabled}
            label={
              <Text size="sm">
                {choices[choice].name}{" "}
                <Text span size="xs" c="dimmed">
                  {choices[choice].what}
                </Text>
              </Text>
            }
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}
