// The table of runs: any number of rows, of which those in view are drawn and fetched.
import { ActionIcon, Box, Group, Menu } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconColumns, IconSortAscending, IconSortDescending } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useLayoutEffect, useMemo, useRef } from "react";

import type { ResultRow } from "../../api/bindings";
import { GradeBadge } from "../../components/GradeBadge";
import { Quantity } from "../../components/Quantity";
import { StatusBadge } from "../../components/StatusBadge";
import { backendColor } from "../../lib/colors";
import { COLUMNS, whyMissing, type Column } from "./columns";
import { useRows } from "./pages";
import styles from "./RunsTable.module.css";
import { sortedBy, type View } from "./view";

const ROW = 30;
/** Rows of the page that are used again for others when they leave the view: making them is what scrolling costs. */
const SLOTS = 96;

type Props = {
  view: View;
  onView: (view: View) => void;
  total: number;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
};

export function RunsTable({ view, onView, total, selected, onSelect }: Props) {
  const [keys, setKeys] = useLocalStorage({
    key: "results-columns",
    defaultValue: COLUMNS.filter((column) => column.byDefault).map((column) => column.key),
  });
  const shown = useMemo(() => COLUMNS.filter((column) => keys.includes(column.key)), [keys]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const items = rows.getVirtualItems();
  // A very tall window shows more rows than that at once.
  const slots = Math.max(SLOTS, items.length);
  const rowAt = useRows(view, items[0]?.index ?? 0, items.at(-1)?.index ?? 0);
  const latest = useRef({ selected, onSelect });
  useLayoutEffect(() => {
    latest.current = { selected, onSelect };
  });
  const toggle = useCallback((id: string) => {
    const next = new Set(latest.current.selected);
    if (!next.delete(id)) next.add(id);
    latest.current.onSelect(next);
  }, []);
  const width = 160 + shown.reduce((sum, column) => sum + column.width, 0);
  return (
    <Box pos="relative">
      <ColumnMenu keys={keys} onChange={setKeys} />
      <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label="Runs">
        <div
          role="table"
          aria-label="Runs"
          aria-rowcount={total + 1}
          aria-colcount={shown.length + 2}
          style={{ width }}
        >
          <Head columns={shown} view={view} onView={onView} />
          <div role="rowgroup" className={styles.body} style={{ height: rows.getTotalSize() }}>
            {items.map(({ index, start }) => {
              const row = rowAt(index);
              return (
                <Row
                  key={index % slots}
                  row={row}
                  index={index}
                  top={start}
                  columns={shown}
                  selected={row !== undefined && selected.has(row.run_id)}
                  onToggle={toggle}
                />
              );
            })}
          </div>
        </div>
      </div>
    </Box>
  );
}

function Head({ columns, view, onView }: { columns: Column[]; view: View; onView: (view: View) => void }) {
  const Arrow = view.descending ? IconSortDescending : IconSortAscending;
  return (
    <div role="rowgroup" className={styles.head}>
      <div role="row" className={styles.row} aria-rowindex={1}>
        <div role="columnheader" className={styles.pick}>
          <span className={styles.unseen}>Select</span>
        </div>
        <div role="columnheader" className={styles.status}>
          State
        </div>
        {columns.map((column) => {
          const sorted = view.sort === column.sort;
          return (
            <div
              key={column.key}
              role="columnheader"
              aria-sort={sorted ? (view.descending ? "descending" : "ascending") : "none"}
              className={column.numeric ? styles.number : styles.word}
              style={{ width: column.width }}
            >
              <button type="button" onClick={() => column.sort && onView(sortedBy(view, column.sort))}>
                {column.heading}
                {sorted && <Arrow size={13} aria-hidden />}
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}

type RowProps = {
  row: ResultRow | undefined;
  index: number;
  top: number;
  columns: Column[];
  selected: boolean;
  onToggle: (id: string) => void;
};

const Row = memo(function Row({ row, index, top, columns, selected, onToggle }: RowProps) {
  const navigate = useNavigate();
  const element = useRef<HTMLDivElement>(null);
  // What was focused in a row that has left the view must not act on the row that takes its place.
  useLayoutEffect(() => {
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && element.current?.contains(focused)) focused.blur();
  }, [index]);
  const style = { transform: `translateY(${top}px)`, height: ROW };
  if (row === undefined) {
    return (
      <div ref={element} role="row" aria-rowindex={index + 2} aria-busy className={styles.row} style={style}>
        <div role="cell" style={{ width: "100%", padding: "8px 12px" }}>
          <div className={styles.soon} style={{ width: `${40 + ((index * 17) % 40)}%` }} />
        </div>
      </div>
    );
  }
  const open = () => void navigate({ to: "/results/run/$id", params: { id: row.run_id } });
  return (
    <div
      ref={element}
      role="row"
      aria-rowindex={index + 2}
      className={styles.row}
      style={style}
      onDoubleClick={open}
    >
      <div role="cell" className={styles.pick}>
        <input
          type="checkbox"
          aria-label={`Select ${row.experiment}, cycle ${row.cycle}`}
          checked={selected}
          onChange={() => onToggle(row.run_id)}
        />
      </div>
      <div role="cell" className={styles.status}>
        <StatusBadge status={row.status} />
      </div>
      {columns.map((column) => (
        <div
          key={column.key}
          role="cell"
          className={column.numeric ? styles.number : styles.word}
          style={{ width: column.width }}
        >
          {column.key === "experiment" ? (
            <button type="button" className={styles.link} onClick={open} title={row.experiment}>
              {row.experiment}
            </button>
          ) : (
            <Value column={column} row={row} />
          )}
        </div>
      ))}
    </div>
  );
});

function Value({ column, row }: { column: Column; row: ResultRow }) {
  const text = column.text(row);
  if (column.key === "backend") {
    return <span style={{ borderBottom: `2px solid ${backendColor(row.backend)}` }}>{text}</span>;
  }
  if (column.key === "grade" && row.grade !== null) return <GradeBadge grade={row.grade} />;
  if (!column.numeric && column.key !== "grade") return <span title={text}>{text}</span>;
  const missing = whyMissing(row, column.key);
  return <Quantity text={text} provenance={column.energy ? row.provenance : null} missing={missing} />;
}

function ColumnMenu({ keys, onChange }: { keys: string[]; onChange: (keys: string[]) => void }) {
  const toggle = (key: string) =>
    onChange(keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key]);
  return (
    <Group justify="flex-end" pos="absolute" right={0} top={-34}>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="Choose columns">
            <IconColumns size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
          {COLUMNS.map((column) => (
            <Menu.CheckboxItem
              key={column.key}
              checked={keys.includes(column.key)}
              onChange={() => toggle(column.key)}
            >
              {column.heading}
            </Menu.CheckboxItem>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
