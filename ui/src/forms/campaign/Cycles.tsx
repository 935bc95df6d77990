// How often each experiment is run: a number of times, or until it is known well enough.
import { Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { valueIn, type Data } from "./document";
import { NumberField } from "./fields";
import { fieldId, useLens } from "./lens";
import { BUILT_IN, CYCLES, isUntilKnown, TARGET } from "./rest";

/** What is asked for at first, in percent: a number that five cycles with a variation of 1.6 % reach. */
const FIRST_TARGET = 2;

export function Cycles() {
  const { data, set, disabled } = useLens();
  const untilKnown = isUntilKnown(data);
  const before = useBefore();
  const choose = (way: string) => {
    if (way === "known") set(CYCLES, before.section ?? { target_ci_percent: FIRST_TARGET });
    else set(CYCLES, before.number ?? leastOf(valueIn(data, CYCLES)));
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
      {untilKnown ? (
        <UntilKnown />
      ) : (
        <NumberField label="Cycles" path={CYCLES} min={1} max={1000} placeholder="3" />
      )}
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
          max={100}
          whole={false}
          required
          description="of the mean of joules per output token"
        />
        <Group grow align="flex-start">
          <NumberField
            label="Cycles at least"
            path={[...CYCLES, "min"]}
            min={3}
            max={1000}
            placeholder={String(BUILT_IN["execution.cycles.min"])}
          />
          <NumberField
            label="Cycles at most"
            path={[...CYCLES, "max"]}
            min={3}
            max={1000}
            placeholder={String(BUILT_IN["execution.cycles.max"])}
          />
        </Group>
        <Text size="xs" c="dimmed">
          An experiment that is known so well is run no more; the others go on. With less than 5 as the least,
          the interval holds less often than it says.
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

function leastOf(written: Data | undefined): number {
  const least = written === undefined ? undefined : valueIn(written, ["min"]);
  return typeof least === "number" ? least : Number(BUILT_IN["execution.cycles.min"]);
}
