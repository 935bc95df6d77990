// What the devices draw without work: whether it is recorded, and with what on the devices; how long, and how often anew.
import { Text } from "@mantine/core";

import type { BaselineKind, BaselineStrategy } from "../../api/bindings";
import { duration, percent } from "../../lib/format";
import { Choices } from "./Choices";
import { valueIn, type Data, type Path } from "./document";
import { ChoiceField } from "./fields";
import { InForce, NumberInForce } from "./InForce";
import { useLens, type Lens } from "./lens";
import {
  BASELINE,
  baselineKind,
  idling,
  isSection,
  STRATEGIES,
  STRATEGY,
  strategy,
  thermalMode,
} from "./rest";

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
      {kind !== "off" && kind !== null && <Details kind={kind} />}
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

function Details({ kind }: { kind: BaselineKind }) {
  const lens = useLens();
  return (
    <>
      <NumberInForce
        label="Recorded for"
        path={[...BASELINE, "duration_seconds"]}
        unit="s"
        says="range"
        show={duration}
      />
      {kind !== "bare" && <Idling kind={kind} path={idling(lens)} />}
      {thermalMode(lens) === "hot" ? (
        <Text size="xs" c="dimmed">
          Devices that stay hot are at rest before the first run alone: the bare one is taken there, once.
        </Text>
      ) : (
        <Anew />
      )}
    </>
  );
}

/** How long the worker of each run waits for the baseline that is its own. */
function Idling({ kind, path }: { kind: "context" | "loaded"; path: Path | null }) {
  const [label, what] =
    kind === "loaded"
      ? ["Each worker idles for", "in each run, with the model resident; a parameter of all backends"]
      : [
          "Each worker holds the device for",
          "in each run, before it loads the model; a parameter of all backends",
        ];
  if (path === null) {
    const key = kind === "loaded" ? "idle_seconds" : "context_seconds";
    return (
      <Text size="xs" c="dimmed">
        How long workers wait for it is said with the experiments, by {key}; else as long as it is recorded.
      </Text>
    );
  }
  return <NumberInForce label={label} path={path} unit="s" show={duration} description={what} />;
}

/** When the bare one is taken again, with the values that act then. */
function Anew() {
  const chosen = strategy(useLens());
  return (
    <>
      <InForce path={STRATEGY} show={String}>
        <ChoiceField
          label="The bare one is taken anew"
          path={STRATEGY}
          choices={STRATEGIES.map((value) => ({ value, label: `${value}: ${WHEN[value]}` }))}
        />
      </InForce>
      {(chosen === "cached" || chosen === "validated") && (
        <NumberInForce
          label="Too old after"
          path={[...BASELINE, "cache_ttl_seconds"]}
          unit="s"
          show={duration}
        />
      )}
      {chosen === "validated" && <Looks />}
      <Text size="xs" c="dimmed">
        The bare one is always taken; the others belong to each run.
      </Text>
    </>
  );
}

function Looks() {
  return (
    <>
      <NumberInForce
        label="Looked at every"
        path={[...BASELINE, "validation_interval"]}
        unit="runs"
        show={(value) => (value === 1 ? "every run" : `every ${value} runs`)}
        description="for a few seconds; also where the temperature has changed"
      />
      <NumberInForce
        label="May be off by"
        path={[...BASELINE, "drift_threshold"]}
        unit="× its power"
        says="range"
        show={percent}
        description="beyond that it is taken anew, and what rested on it is withdrawn"
      />
    </>
  );
}
