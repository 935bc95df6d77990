// Names and values, however deep, as lines that can be read.
import { Accordion, Card, Table, Text } from "@mantine/core";

import type { Value } from "../../api/bindings";

/** Every leaf with its dotted name. */
export function leaves(value: Value, name = ""): [string, string][] {
  if (value === null || typeof value !== "object") return [[name, value === null ? "–" : String(value)]];
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) {
    return [[name, value.map(String).join(", ")]];
  }
  return Object.entries(value).flatMap(([key, item]) => leaves(item, name === "" ? key : `${name}.${key}`));
}

export function Facts({ title, value }: { title: string; value: Value | null }) {
  const lines = value === null ? [] : leaves(value);
  if (lines.length === 0) return null;
  return (
    <Card p={0}>
      <Accordion variant="filled" order={2}>
        <Accordion.Item value={title}>
          <Accordion.Control>
            {title}
            <Text span size="xs" c="dimmed">
              {"  "}
              {lines.length}
            </Text>
          </Accordion.Control>
          <Accordion.Panel>
            <Table aria-label={title}>
              <Table.Tbody>
                {lines.map(([name, text]) => (
                  <Table.Tr key={name}>
                    <Table.Td w={320} className="mono" style={{ overflowWrap: "anywhere" }}>
                      {name}
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>{text}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Card>
  );
}
