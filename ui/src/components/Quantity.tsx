// A number with its unit, and beside it whether it was measured. Whoever shows energy or power shows it with this.
import type { Provenance } from "../api/bindings";
import { MISSING } from "../lib/format";
import styles from "./Marks.module.css";

const MEANING: Record<Exclude<Provenance, "measured">, string> = {
  estimated: "computed from a model of the machine, not read from a sensor",
  simulated: "generated for trials, nothing was measured",
};

export function ProvenanceMark({ of }: { of: Provenance | null | undefined }) {
  if (of == null || of === "measured") return null;
  return (
    <span className={`${styles.mark} ${styles[of]}`} title={`${of}: ${MEANING[of]}`}>
      {of}
    </span>
  );
}

/** A model of the work stands in for a measurement: nobody counted the operations or the bytes. */
export function ModelMark() {
  return (
    <span
      className={`${styles.mark} ${styles.modelled}`}
      title="computed from what is known of the model and the hardware; nobody counted it"
    >
      model, not measured
    </span>
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
      <span role="img" aria-label={`missing: ${why}`} title={why}>
        {MISSING}
      </span>
    );
  }
  return (
    <span style={{ whiteSpace: "nowrap" }}>
      {text} <ProvenanceMark of={provenance} />
    </span>
  );
}
