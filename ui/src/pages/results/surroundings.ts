// What is stored of the gap before a run and of the machine around it. It is plain JSON, and older versions stored less:
// what is not there in the expected shape is not known.
import type { Value } from "../../api/bindings";

type Mapping = { [key in string]: Value };

function mapping(value: Value | undefined): Mapping {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

function list(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}

function number(value: Value | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function word(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export type Gap = {
  mode: string | null;
  startC: number | null;
  endC: number | null;
  referenceC: number | null;
};

export function gapFacts(value: Value | null): Gap {
  const gap = mapping(value ?? undefined);
  return {
    mode: word(gap.mode),
    startC: number(gap.start_temperature_c),
    endC: number(gap.end_temperature_c),
    referenceC: number(gap.reference_temperature_c),
  };
}

/** A process on a device that was not the worker's. */
export type Stranger = {
  device: string;
  pid: number;
  name: string | null;
  kind: string | null;
  isDesktop: boolean;
  memoryBytes: number | null;
  utilizationPct: number | null;
};

export type Surroundings = {
  /** What had changed since the campaign began; null where nobody compared. */
  changes: string[] | null;
  strangers: Stranger[];
  /** Why there may have been others. */
  untold: string[];
};

export function surroundingsFacts(value: Value | null): Surroundings {
  const around = mapping(value ?? undefined);
  const looks = [around.before, around.after].map((look) => mapping(mapping(look).tenants));
  // Who was there at both looks is told once, as at the latter.
  const strangers = new Map(
    looks.flatMap((look) => list(look.foreign).map(stranger)).map((one) => [`${one.device} ${one.pid}`, one]),
  );
  const untold = looks.flatMap((look) => list(look.unknown).flatMap((why) => word(why) ?? []));
  return {
    changes: Array.isArray(around.drift) ? around.drift.flatMap((change) => word(change) ?? []) : null,
    strangers: [...strangers.values()],
    untold: [...new Set(untold)],
  };
}

function stranger(value: Value): Stranger {
  const one = mapping(value);
  return {
    device: word(one.device) ?? "",
    pid: number(one.pid) ?? 0,
    name: word(one.name),
    kind: word(one.kind),
    isDesktop: one.display === true,
    memoryBytes: number(one.memory_bytes),
    utilizationPct: number(one.utilization_pct),
  };
}
