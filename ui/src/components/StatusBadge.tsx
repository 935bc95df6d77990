// How far a run or campaign has come: a shape and a word, so that colour is not alone.
import {
  IconAlertCircle,
  IconCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconHourglass,
  IconPlayerPause,
  IconPlayerPlay,
} from "@tabler/icons-react";

import type { RunCellStatus } from "../api/bindings";
import styles from "./Marks.module.css";

const LOOK: Record<RunCellStatus, { color: string; icon: typeof IconCheck }> = {
  planned: { color: "gray", icon: IconCircleDashed },
  waiting: { color: "blue", icon: IconHourglass },
  running: { color: "teal", icon: IconPlayerPlay },
  completed: { color: "green", icon: IconCheck },
  failed: { color: "red", icon: IconAlertCircle },
  interrupted: { color: "yellow", icon: IconPlayerPause },
  not_needed: { color: "gray", icon: IconCircleMinus },
};

export function StatusBadge({ status }: { status: RunCellStatus }) {
  const { color, icon: Icon } = LOOK[status];
  return (
    <span className={`${styles.status} ${styles[color]}`}>
      <Icon size={12} aria-hidden />
      {status.replace("_", " ")}
    </span>
  );
}
