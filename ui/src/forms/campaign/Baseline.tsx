// What the devices draw without work: whether it is recorded, and with what on the devices; how long, and how often anew.
import { Text } from "@mantine/core";

import type { BaselineKind, BaselineStrategy } from "../../api/bindings";
import { duration } from "../../lib/format";
import { Choices } from "./Choices";
import { valueIn, type Data, type Path } from "./document";
import { ChoiceField } from "./fields";
import { InForce, NumberInForce } from "./InForce";
import { useLens, type Lens } from "./lens";
import { BASELINE, baselineKind, isSection, STRATEGIES, STRATEGY } from "./rest";

const KINDS: Record<BaselineKind | "off", { name: string; what: string }> = {
  off: { name: "off", what: "energy is all that the devices draw" },
  bare: { name: "bare", what: "above what they draw when nothing runs" },
  context: { name: "context", what: "above that with the device opened and no model loaded" },
  loaded: { name: "loaded", what: "above that with the model resident and nothing asked of it" },
};

const WHEN: Record<BaselineStrategy, string> = {
  fresh: "before every run",
  cached: "when it has become too old",
  validated: "as cached, with short looks",
};

export function Baseline() {
  const lens = useLens();
  const kind = baselineKind(lens);
  return (
    <>
      <Choices
        label="Baseline"
        path={BASELINE}
        value={kind}
        choices={KINDS}
        onChoose={(chosen) => choose(lens, chosen)}
      />
      {kind !== "off" && kind !== null && <Details />}
    </>
  );
}

/** Switching it off keeps what else the section says, for the way back. */
function choose({ data, set, setAll }: Lens, kind: BaselineKind | "off") {
  const isWritten = isSection(valueIn(data, BASELINE));
  const enabled = [...BASELINE, "enabled"];
  if (kind === "off") return isWritten ? set(enabled, false) : set(BASELINE, undefined);
  const chosen: [Path, Data] = [[...BASELINE, "kind"], kind];
  const refused = valueIn(data, enabled) === false;
  return setAll(refused ? [chosen, [enabled, undefined]] : [chosen]);
}

function Details() {
  return (
    <>
      <NumberInForce
        label="Recorded for"
        path={[...BASELINE, "duration_seconds"]}
        unit="s"
        min={5}
        max={600}
        show={duration}
        description="5 to 600 s"
      />
      <InForce path={STRATEGY} show={String}>
        <ChoiceField
          label="The bare one is taken anew"
          path={STRATEGY}
          choices={STRATEGIES.map((value) => ({ value, label: `${value}: ${WHEN[value]}` }))}
        />
      </InForce>
      <Text size="xs" c="dimmed">
        The bare one is always taken; the others belong to each run. How old one may become, how often it is
        looked at and how far it may drift is written as YAML: cache_ttl_seconds, validation_interval,
        drift_threshold.
      </Text>
    </>
  );
}
