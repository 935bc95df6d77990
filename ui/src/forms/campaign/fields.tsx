// The fields of the form: text, numbers and lists of values at a place in the document.
import { NumberInput, Select, TagsInput, Text, TextInput } from "@mantine/core";

import { useTyped } from "../../lib/typed";
import { valueIn, type Path } from "./document";
import { fieldId, useLens } from "./lens";
import { fromWords, words } from "./words";

type Field = { label: string; path: Path; description?: string };

function id(path: Path): string {
  return fieldId(path.join("."));
}

export function TextField({ label, path, description, placeholder }: Field & { placeholder?: string }) {
  const { data, set, disabled } = useLens();
  const value = valueIn(data, path);
  const written = value === undefined || value === null ? "" : typeof value === "object" ? "" : String(value);
  const [text, setText] = useTyped(written);
  const take = () => {
    if (text !== written) set(path, text === "" ? undefined : text);
  };
  return (
    <TextInput
      id={id(path)}
      label={label}
      description={description}
      placeholder={placeholder ?? ""}
      disabled={disabled}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}

type NumberField = Field & {
  min?: number;
  max?: number;
  unit?: string;
  /** What stands in an empty field; otherwise the value that is in force without one, as the engine tells it. */
  placeholder?: string;
  whole?: boolean;
  /** It cannot be left empty: the value that was there comes back. */
  required?: boolean;
};

export function NumberField({
  label,
  path,
  description,
  min = 0,
  max,
  unit,
  placeholder,
  whole = true,
  required = false,
}: NumberField) {
  const { data, set, disabled, inForce } = useLens();
  const value = valueIn(data, path);
  const told = inForce(path)?.value;
  const written = typeof value === "number" ? value : "";
  const [number, setNumber] = useTyped<number | string>(written);
  const take = () => {
    if (number === written) return;
    if (required && typeof number !== "number") setNumber(written);
    else set(path, typeof number === "number" ? number : undefined);
  };
  return (
    <NumberInput
      id={id(path)}
      label={label}
      description={description}
      placeholder={placeholder ?? (typeof told === "number" ? String(told) : "")}
      disabled={disabled}
      min={min}
      allowDecimal={!whole}
      {...(max === undefined ? {} : { max })}
      value={number}
      onChange={setNumber}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
      {...(unit === undefined
        ? {}
        : {
            rightSection: <Text size="xs">{unit}</Text>,
            rightSectionWidth: `${unit.length + 3}ch`,
            hideControls: true,
          })}
    />
  );
}

export function ListField(props: Field & { suggestions?: string[]; placeholder?: string }) {
  const { data, set, disabled } = useLens();
  return (
    <TagsInput
      id={id(props.path)}
      label={props.label}
      description={props.description}
      placeholder={props.placeholder ?? ""}
      disabled={disabled}
      data={props.suggestions ?? []}
      value={words(valueIn(data, props.path))}
      onChange={(all) => set(props.path, fromWords(all))}
      splitChars={[","]}
      acceptValueOnBlur
      clearable
    />
  );
}

type ChoiceField = Field & {
  choices: { value: string; label: string }[];
  /** What stands in an empty field; otherwise what is in force without it. */
  unset?: string;
};

export function ChoiceField(props: ChoiceField) {
  const { data, set, disabled, inForce } = useLens();
  const value = valueIn(data, props.path);
  const told = inForce(props.path)?.value;
  return (
    <Select
      id={id(props.path)}
      label={props.label}
      description={props.description}
      placeholder={props.unset ?? (typeof told === "string" ? told : "")}
      disabled={disabled}
      clearable
      data={props.choices}
      value={typeof value === "string" ? value : null}
      onChange={(chosen) => set(props.path, chosen ?? undefined)}
    />
  );
}
