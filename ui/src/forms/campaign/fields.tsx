// The fields of the form: text, numbers and lists of values at a place in the document.
import { NumberInput, Select, TagsInput, Text, TextInput } from "@mantine/core";

import type { NumberRange } from "../../api/bindings";
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
  unit?: string;
  /** The numbers that the engine takes are said below the label: where one would not guess them. */
  says?: "range";
  /** What stands in an empty field; otherwise the value that is in force without one, as the engine tells it. */
  placeholder?: string;
  /** It cannot be left empty: the value that was there comes back. */
  required?: boolean;
};

export function NumberField({
  label,
  path,
  description,
  unit,
  says,
  placeholder,
  required = false,
}: NumberField) {
  const { data, set, disabled, inForce, range } = useLens();
  const value = valueIn(data, path);
  const told = inForce(path)?.value;
  const taken = range(path);
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
      description={says === undefined ? description : described(taken, unit, description)}
      placeholder={placeholder ?? (typeof told === "number" ? String(told) : "")}
      disabled={disabled}
      {...(taken === null ? {} : { min: taken.least, max: taken.most, allowDecimal: !taken.whole })}
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

/** The range in words, and what else there is to say. */
function described(range: NumberRange | null, unit = "", description?: string): string {
  const text =
    range === null ? null : `${range.above ? "above " : ""}${range.least} to ${range.most} ${unit}`.trim();
  return [text, description].filter(Boolean).join(", ");
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
