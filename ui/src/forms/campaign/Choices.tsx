// One of a few ways, each with what it means; the one in force is marked, and beside the question stands who set it.
import { Radio, Stack, Text } from "@mantine/core";

import type { Path } from "./document";
import { SetBy } from "./InForce";
import { fieldId, useLens } from "./lens";

type Props<Value extends string> = {
  label: string;
  /** Where problems with it lead. */
  path: Path;
  value: Value | null;
  choices: Record<Value, { name: string; what: string }>;
  onChoose: (value: Value) => void;
};

export function Choices<Value extends string>(props: Props<Value>) {
  const { label, path, value, choices, onChoose } = props;
  const { disabled } = useLens();
  return (
    <Radio.Group
      label={label}
      description={<SetBy path={path} />}
      id={fieldId(path.join("."))}
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
