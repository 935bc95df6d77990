// Which of several choices is beaten by none: less of the one, and more (or less) of the other.

/** For each pair whether no other is at least as good in both and better in one. Less of `cost` is better. */
export function paretoFront(
  pairs: readonly { cost: number; other: number }[],
  otherIsBetter: "more" | "less",
): boolean[] {
  const sign = otherIsBetter === "more" ? 1 : -1;
  return pairs.map(
    (own) =>
      !pairs.some((rival) => {
        const gain = (rival.other - own.other) * sign;
        return rival.cost <= own.cost && gain >= 0 && (rival.cost < own.cost || gain > 0);
      }),
  );
}
