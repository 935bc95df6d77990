// How often each experiment is run: a number of times, or until it is known well enough.
import { Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { valueIn, type Data } from "./document";
import { NumberField } from "./fields";
import { fieldId, useLens } from "./lens";
import { CYCLES, isUntilKnown, TARGET } from "./rest";

const LEAST = [...CYCLES, "min"];

/** What is asked for at first, in percent: a number that five cycles with a variation of 1.6 % reach. */
const FIRST_TARGET = 2;

export function Cycles() {
  const { data, set, disabled, inForce } = useLens();
  const untilKnown = isUntilKnown(data);
  const before = useBefore();
  const choose = (way: string) => {
    if (way === "known") set(CYCLES, before.section ?? { target_ci_percent: FIRST_TARGET });
    else set(CYCLES, before.number ?? inForce(LEAST)?.value);
  };
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        Each experiment is run
      </Text>
      <SegmentedControl
        size="xs"
        aria-label="Each experiment is run"
        disabled={disabled}
        data={[
          { value: "number", label: "A number of times" },
          { value: "known", label: "Until it is known well enough" },
        ]}
        value={untilKnown ? "known" : "number"}
        onChange={choose}
      />
      {untilKnown ? <UntilKnown /> : <NumberField label="Cycles" path={CYCLES} />}
    </Stack>
  );
}

function UntilKnown() {
  return (
    <div id={fieldId(CYCLES.join("."))} tabIndex={-1}>
      <Stack gap="xs">
        <NumberField
          label="Until the 95 % interval is within ±"
          path={TARGET}
          unit="%"
          required
          description="of the mean of joules per output token"
        />
        <Group grow align="flex-start">
          <NumberField label="Cycles at least" path={LEAST} />
          <NumberField label="Cycles at most" path={[...CYCLES, "max"]} />
        </Group>
        <Text size="xs" c="dimmed">
          An experiment that is known so well is run no more; the others go on. The fewer cycles at least, the
          less often the interval holds what it says.
        </Text>
      </Stack>
    </div>
  );
}

/** What the file said before the other way was chosen, so that looking at it costs nothing. */
function useBefore(): { number: number | null; section: Data | null } {
  const { data } = useLens();
  const [before, setBefore] = useState<{ number: number | null; section: Data | null }>({
    number: null,
    section: null,
  });
  const written = valueIn(data, CYCLES);
  if (typeof written === "number" && written !== before.number) setBefore({ ...before, number: written });
  if (isUntilKnown(data) && JSON.stringify(written) !== JSON.stringify(before.section)) {
    setBefore({ ...before, section: written ?? null });
  }
  return before;
}
