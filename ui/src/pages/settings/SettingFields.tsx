// Every setting: what it does, its range and default, the value in force, and who set it.
import {
  ActionIcon,
  Badge,
  Card,
  Grid,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
  Tooltip,
} from "@mantine/core";
import { IconRestore } from "@tabler/icons-react";

import type { SettingView } from "../../api/bindings";
import { useTyped } from "../../lib/typed";

type Change = (field: string, value: string | null) => void;

const SECTIONS: { title: string; prefix: string; about?: string }[] = [
  { title: "Thermal gaps", prefix: "thermal_gaps." },
  { title: "Docker", prefix: "docker." },
  { title: "Notifications", prefix: "notifications." },
  {
    title: "Footprint",
    prefix: "footprint.",
    about:
      "Emissions and costs follow from these values alone. Nothing is assumed without them: what needs an empty one is not shown. Only the power usage effectiveness counts as 1.0 then, and every figure says so.",
  },
];

export function SettingFields(props: { fields: SettingView[]; onChange: Change; disabled: boolean }) {
  const { fields, onChange, disabled } = props;
  const general = fields.filter((field) => !SECTIONS.some(({ prefix }) => field.path.startsWith(prefix)));
  const sections = [
    ...SECTIONS.map(({ title, prefix, about }) => ({
      title,
      about,
      fields: fields.filter((field) => field.path.startsWith(prefix)),
    })),
    { title: "General", about: undefined, fields: general },
  ];
  return (
    <Stack>
      {sections.map((section) => (
        <Card key={section.title}>
          <Title order={2} mb="sm">
            {section.title}
          </Title>
          {section.about !== undefined && (
            <Text size="sm" c="dimmed" mb="sm" maw="75ch">
              {section.about}
            </Text>
          )}
          <Stack gap="sm">
            {section.fields.map((field) => (
              <FieldRow key={field.path} field={field} onChange={onChange} disabled={disabled} />
            ))}
          </Stack>
        </Card>
      ))}
    </Stack>
  );
}

function FieldRow({
  field,
  onChange,
  disabled,
}: {
  field: SettingView;
  onChange: Change;
  disabled: boolean;
}) {
  const own = field.source.kind === "settings";
  const id = `setting-${field.path}`;
  return (
    <Grid align="center">
      <Grid.Col span={5}>
        <Text component="label" htmlFor={id} size="sm" fw={600}>
          {field.path}
        </Text>
        <Text size="xs" c="dimmed" id={`${id}-what`}>
          {field.summary}; {field.range}; default {defaultOf(field)}
        </Text>
      </Grid.Col>
      <Grid.Col span={4}>
        <Control
          id={id}
          field={field}
          onChange={(value) => onChange(field.path, value)}
          disabled={disabled}
        />
      </Grid.Col>
      <Grid.Col span={3}>
        <Badge variant="light" color={own ? "teal" : "gray"} tt="none" size="sm">
          {field.source_text}
        </Badge>{" "}
        {own && (
          <Tooltip label={`Use the default, ${defaultOf(field)}`}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label={`Use the default of ${field.path}`}
              disabled={disabled}
              onClick={() => onChange(field.path, null)}
            >
              <IconRestore size={14} />
            </ActionIcon>
          </Tooltip>
        )}
      </Grid.Col>
    </Grid>
  );
}

type ControlProps = { id: string; field: SettingView; onChange: (value: string) => void; disabled: boolean };
type Described = { "aria-describedby": string };

function Control({ id, field, onChange, disabled }: ControlProps) {
  const shared = { id, disabled, "aria-describedby": `${id}-what` };
  const kind = field.kind;
  if (kind.kind === "choice") {
    const choose = (value: string | null) => value !== null && onChange(value);
    return (
      <Select
        {...shared}
        attributes={described(shared)}
        data={kind.choices}
        value={field.value}
        onChange={choose}
        allowDeselect={false}
      />
    );
  }
  if (kind.kind === "flag") {
    const on = field.value === "true";
    return (
      <Switch
        {...shared}
        checked={on}
        onChange={() => onChange(on ? "false" : "true")}
        label={on ? "yes" : "no"}
      />
    );
  }
  return <TextControl {...shared} field={field} onChange={onChange} />;
}

/** Mantine describes an input by what stands below it; here that stands beside it. */
function described(by: Described) {
  return { input: { "aria-describedby": by["aria-describedby"] } };
}

/** Where the file says `null`, the form shows nothing. */
function isOptional(field: SettingView): boolean {
  return field.default === "null";
}

function defaultOf(field: SettingView): string {
  return isOptional(field) ? "none" : field.default;
}

const NUMBERS: readonly SettingView["kind"]["kind"][] = ["amount", "factor"];

/** A text is taken over when it is left, so that half a number is not an error. */
function TextControl({ field, onChange, ...rest }: ControlProps & Described) {
  const optional = isOptional(field);
  const written = optional && field.value === "null" ? "" : field.value;
  const [text, setText] = useTyped(written);
  const take = () => {
    if (text.trim() === written) setText(written);
    else onChange(optional && text.trim() === "" ? "null" : text);
  };
  return (
    <TextInput
      {...rest}
      attributes={described(rest)}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
      {...(field.kind.kind === "seconds" ? { rightSection: <Text size="xs">s</Text> } : {})}
      {...(optional ? { placeholder: "none" } : {})}
      {...(NUMBERS.includes(field.kind.kind) ? { inputMode: "decimal" } : {})}
    />
  );
}
