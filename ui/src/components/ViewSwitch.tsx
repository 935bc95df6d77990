// The same file as a form or as text.
import { SegmentedControl } from "@mantine/core";

export function ViewSwitch({ asText, onChange }: { asText: boolean; onChange: (asText: boolean) => void }) {
  return (
    <SegmentedControl
      size="xs"
      w="fit-content"
      aria-label="View"
      data={[
        { value: "form", label: "Form" },
        { value: "text", label: "YAML" },
      ]}
      value={asText ? "text" : "form"}
      onChange={(value) => onChange(value === "text")}
    />
  );
}
