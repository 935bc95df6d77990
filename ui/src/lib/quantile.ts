// Distributions of what requests took.

/** Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996), as the engine; null of nothing. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  if (low === undefined || high === undefined) return null;
  return low + (high - low) * (position - Math.floor(position));
}

export type Bin = { from: number; to: number; count: number };

/** Bins of one width; their number is Sturges' (1926), at most 40. */
export function histogram(values: readonly number[]): Bin[] {
  if (values.length === 0) return [];
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const wanted = Math.min(40, Math.ceil(Math.log2(values.length)) + 1);
  const count = greatest > least ? wanted : 1;
  const width = (greatest - least) / count || 1;
  const bins = Array.from({ length: count }, (_, i) => ({
    from: least + i * width,
    to: least + (i + 1) * width,
    count: 0,
  }));
  for (const value of values) {
    const bin = bins[Math.min(count - 1, Math.floor((value - least) / width))];
    if (bin) bin.count += 1;
  }
  return bins;
}
