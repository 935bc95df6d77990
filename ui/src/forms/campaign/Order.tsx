// The order of runs, each with a small picture: three experiments in three cycles.
import { Group, Radio, Stack, Text } from "@mantine/core";

import type { Structure } from "../../api/bindings";
import { PALETTE } from "../../lib/colors";
import { fieldId, useLens } from "./lens";
import { written } from "./rest";

const PATH = ["execution", "structure"] as const;

const ORDERS: Record<Structure, { runs: string; what: string }> = {
  interleaved: { runs: "ABC ABC ABC", what: "every cycle in the order written" },
  shuffled: { runs: "BCA ABC CAB", what: "every cycle in an order drawn from the seed" },
  grouped: { runs: "AAA BBB CCC", what: "all cycles of one experiment, then of the next" },
  reverse: { runs: "ABC CBA ABC", what: "every second cycle backwards, so that a drift cancels" },
  latin_square: { runs: "ABC BCA CAB", what: "each experiment in each place equally often" },
};

export function Order({ structures }: { structures: Structure[] }) {
  const { data, set, disabled, inForce } = useLens();
  const value = written(data, PATH) ?? inForce(PATH)?.value;
  return (
    <Radio.Group
      label="Order of runs"
      id={fieldId(PATH.join("."))}
      value={typeof value === "string" ? value : null}
      onChange={(chosen) => set(PATH, chosen)}
    >
      <Stack gap={4} mt={4}>
        {structures.map((structure) => (
          <Radio
            key={structure}
            value={structure}
            disabled={disabled}
            label={
              <Group gap="sm" wrap="nowrap">
                <Picture runs={ORDERS[structure].runs} />
                <Text size="sm">
                  {structure}{" "}
                  <Text span size="xs" c="dimmed">
                    {ORDERS[structure].what}
                  </Text>
                </Text>
              </Group>
            }
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}

function Picture({ runs }: { runs: string }) {
  const color: Record<string, string> = { A: PALETTE[0], B: PALETTE[1], C: PALETTE[2] };
  return (
    <svg width={118} height={14} aria-hidden style={{ flexShrink: 0 }}>
      {[...runs].map(
        (letter, at) =>
          // oxlint-disable-next-line react/no-array-index-key -- places in a fixed picture
          letter !== " " && (
            <rect key={at} x={at * 10.6} y={2} width={9} height={10} rx={2} fill={color[letter]} />
          ),
      )}
    </svg>
  );
}
