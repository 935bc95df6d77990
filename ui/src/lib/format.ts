// Numbers with units, as they are shown everywhere: SI prefixes, a thin space before the unit, `–` for what is missing.

/** U+2009, between number and unit. */
export const THIN = "\u2009";
/** Stands for a value that is missing; never 0. */
export const MISSING = "–";

const PREFIXES: [number, string][] = [
  [1e18, "E"],
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
];

/** Three significant digits without exponent. */
export function digits(value: number): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - magnitude)));
}

/** A value with its unit and an SI prefix: `12.4 kJ`, `310 mJ/token`. */
export function si(value: number | null | undefined, unit: string): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  const [factor, prefix] = prefixOf(Math.abs(value));
  return `${digits(value / factor)}${THIN}${prefix}${unit}`;
}

/** A value with its unit as it is: `61 °C`, `85 %`. */
export function plain(value: number | null | undefined, unit: string, decimals?: number): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  const text = decimals === undefined ? digits(value) : value.toFixed(decimals);
  return unit === "" ? text : `${text}${THIN}${unit}`;
}

/** A share in percent, with as many digits as it has: `7 %` of 0.07. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(6))}${THIN}%`;
}

/** A change, with its sign: `+0.31 %`, `−1.20 J`. */
export function signed(value: number, unit: string): string {
  const sign = value < 0 ? "\u2212" : "+";
  const text = sign + digits(Math.abs(value));
  return unit === "" ? text : `${text}${THIN}${unit}`;
}

/** An amount of money in whatever currency its price was: three digits, however small. */
export function money(value: number): string {
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(12, Math.max(2, 2 - magnitude)));
}

/** The p of a test; below a thousandth only that it is. */
export function probability(p: number | null | undefined): string {
  if (p == null || !Number.isFinite(p)) return MISSING;
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** As many decimals as show two digits of half a width: more would be noise, fewer would make its ends look alike. */
function decimalsOf(width: number): number {
  return width > 0 ? Math.min(9, Math.max(0, 1 - Math.floor(Math.log10(width)))) : 2;
}

function prefixOf(size: number): readonly [number, string] {
  return PREFIXES.find(([least]) => size >= least) ?? (size === 0 ? [1, ""] : [1e-6, "µ"]);
}

/** A value to the precision of its uncertainty, both with one prefix: `15.58 ± 0.06 kJ`. */
export function uncertain(value: number | null, uncertainty: number | null, unit: string): string {
  if (value === null || uncertainty === null || !Number.isFinite(value)) return si(value, unit);
  const [factor, prefix] = prefixOf(Math.max(Math.abs(value), uncertainty));
  const [scaled, give] = [value / factor, uncertainty / factor];
  const decimals = decimalsOf(give);
  return `${scaled.toFixed(decimals)} ± ${give.toFixed(decimals)}${THIN}${prefix}${unit}`;
}

/** A value to the precision of what is uncertain about it, without telling that: it stands beside. */
export function precise(value: number | null | undefined, uncertainty: number | null, unit: string): string {
  if (value == null || uncertainty === null || !Number.isFinite(value)) return si(value, unit);
  const [factor, prefix] = prefixOf(Math.abs(value));
  return `${(value / factor).toFixed(decimalsOf(uncertainty / factor))}${THIN}${prefix}${unit}`;
}

/** Both ends of an interval to the precision that tells them apart, with one prefix: `1.203 to 1.216 J`. */
export function range(low: number, high: number, unit: string): string {
  const [factor, prefix] = unit === "" ? [1, ""] : prefixOf(Math.max(Math.abs(low), Math.abs(high)));
  const decimals = decimalsOf((high - low) / 2 / factor);
  const [from, to] = [low, high].map((end) => (end / factor).toFixed(decimals).replace("-", "\u2212"));
  return unit === "" ? `${from} to ${to}` : `${from} to ${to}${THIN}${prefix}${unit}`;
}

/** How many: `1 run`, `2,500 runs`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

/** A length of time: `850 ms`, `12.3 s`, `4 min 05 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 1) return seconds === 0 ? `0${THIN}s` : si(seconds, "s");
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}${THIN}s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes, rest] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  if (days > 0) return `${days}${THIN}d ${hours}${THIN}h`;
  if (hours > 0) return `${hours}${THIN}h ${two(minutes)}${THIN}min`;
  return `${minutes}${THIN}min ${two(rest)}${THIN}s`;
}

/** What is left of a wait, in whole seconds, so that it is read and not deciphered: `41 s`, `4 min 05 s`. */
export function countdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? `${whole}${THIN}s` : duration(whole);
}

/** Two digits, as clocks have them. */
export function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A day and time of the user's clock: `2026-01-31 14:05`. */
export function dateTime(unixMs: number | null | undefined): string {
  if (unixMs == null) return MISSING;
  const at = new Date(unixMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
