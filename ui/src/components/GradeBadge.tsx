// How far the figures of a run can be trusted: a letter and a word, so that colour is not alone.
import {
  IconAlertTriangle,
  IconCheck,
  IconCircleX,
  IconExclamationCircle,
  IconHelpCircle,
} from "@tabler/icons-react";

import type { QualityGrade, QualityVerdict } from "../api/bindings";
import { gradeName, GRADES, VERDICTS } from "../lib/grades";
import styles from "./Marks.module.css";

const COLOR: Record<QualityGrade, string> = { a: "green", b: "yellow", c: "orange", invalid: "red" };

/** A plain element: it stands in every row of long tables. `count` tells how many runs have the grade. */
export function GradeBadge({ grade, count }: { grade: QualityGrade; count?: number }) {
  const { letter, word, meaning } = GRADES[grade];
  const many = count === undefined ? "" : `${count} `;
  return (
    <span
      role="img"
      aria-label={`${many}${gradeName(grade)}: ${meaning}`}
      title={`${gradeName(grade)}: ${meaning}`}
      className={`${styles.status} ${styles[COLOR[grade]]}`}
    >
      {many !== "" && <span>{many.trim()} ×</span>}
      <span>{letter}</span>
      {word}
    </span>
  );
}

const LOOK: Record<QualityVerdict, { color: string; icon: typeof IconCheck }> = {
  pass: { color: "green", icon: IconCheck },
  warn: { color: "yellow", icon: IconAlertTriangle },
  poor: { color: "orange", icon: IconExclamationCircle },
  invalid: { color: "red", icon: IconCircleX },
  unknown: { color: "gray", icon: IconHelpCircle },
};

export function VerdictBadge({ verdict }: { verdict: QualityVerdict }) {
  const { color, icon: Icon } = LOOK[verdict];
  return (
    <span className={`${styles.status} ${styles[color]}`} title={`${verdict}: ${VERDICTS[verdict]}`}>
      <Icon size={12} aria-hidden />
      {verdict}
    </span>
  );
}
