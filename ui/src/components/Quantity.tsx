// A number with its unit, and beside it whether it was measured. Whoever shows energy or power shows it with this.
import { Badge, Tooltip } from "@mantine/core";

import type { Provenance } from "../api/bindings";
import { MISSING } from "../lib/format";

const MEANING: Record<Exclude<Provenance, "measured">, string> = {
  estimated: "computed from a model of the machine, not read from a sensor",
  simulated: "generated for trials, nothing was measured",
};

export function ProvenanceMark({ of }: { of: Provenance | null | undefined }) {
  if (of == null || of === "measured") return null;
  return (
    <Tooltip label={`${of}: ${MEANING[of]}`}>
      <Badge
        size="xs"
        radius="sm"
        variant="outline"
        color={of === "simulated" ? "grape" : "orange"}
        tt="none"
        miw="max-content"
      >
        {of}
      </Badge>
    </Tooltip>
  );
}

/** `text` is formatted already; a missing value says why on hover. */
export function Quantity(props: {
  text: string;
  provenance?: Provenance | null | undefined;
  missing?: string | null | undefined;
}) {
  const { text, provenance, missing } = props;
  if (text === MISSING) {
    const why = missing ?? "no value";
    return (
      <Tooltip label={why}>
        <span role="img" aria-label={`missing: ${why}`}>
          {MISSING}
        </span>
      </Tooltip>
    );
  }
  return (
    <span style={{ whiteSpace: "nowrap" }}>
      {text} <ProvenanceMark of={provenance} />
    </span>
  );
}
