// The stretch of time that a chart shows: moved, zoomed, and fetched with some more on both sides, so that moving a
// little needs no new data.

export type Range = { fromS: number; toS: number };

/** Shortest stretch that can be looked at, in seconds. */
const SHORTEST_S = 0.2;

/** The same length, moved by a share of it. */
export function moved(range: Range, share: number): Range {
  const by = (range.toS - range.fromS) * share;
  return { fromS: range.fromS + by, toS: range.toS + by };
}

/** Zoomed around a point of it; a factor below 1 shows less. */
export function zoomed(range: Range, factor: number, atS: number): Range {
  const length = range.toS - range.fromS;
  const wanted = Math.max(SHORTEST_S, length * factor);
  const share = length > 0 ? (atS - range.fromS) / length : 0.5;
  return { fromS: atS - wanted * share, toS: atS + wanted * (1 - share) };
}

/** What is fetched for it: as much again on either side. */
export function fetched(range: Range): Range {
  const length = range.toS - range.fromS;
  return { fromS: range.fromS - length, toS: range.toS + length };
}

/** Whether data of one stretch still serves another: covers it, and is not much coarser than a fresh answer would be. */
export function serves(data: Range | null, wanted: Range): boolean {
  if (data === null || data.fromS > wanted.fromS || data.toS < wanted.toS) return false;
  const ratio = (data.toS - data.fromS) / (wanted.toS - wanted.fromS);
  return ratio < 4.5;
}
