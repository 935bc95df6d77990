// Colours that people with any kind of colour vision can tell apart (Okabe and Ito 2008, "Color Universal Design"),
// and the rule that a backend keeps its colour on every screen.

/** Okabe-Ito without black and yellow, which vanish on dark and light grounds. */
export const PALETTE = [
  "#0072B2",
  "#E69F00",
  "#009E73",
  "#CC79A7",
  "#56B4E9",
  "#D55E00",
  "#8C6BB1",
  "#6C757D",
] as const;

const KNOWN: Record<string, string> = {
  pytorch: "#D55E00",
  vllm: "#0072B2",
  tensorrt: "#009E73",
  candle: "#CC79A7",
};

/** The colour of a backend: fixed for the known ones, by name for others. */
export function backendColor(backend: string): string {
  const known = KNOWN[backend];
  if (known !== undefined) return known;
  let hash = 0;
  for (const character of backend) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return PALETTE[hash % PALETTE.length] ?? PALETTE[0];
}

/** Lighter ones of the same hues, for thin lines on dark grounds. */
const BRIGHT: Record<string, string> = {
  "#0072B2": "#56B4E9",
  "#009E73": "#2CC79B",
  "#56B4E9": "#A6DBFF",
  "#D55E00": "#F28C45",
  "#8C6BB1": "#B79FD6",
  "#6C757D": "#ADB5BD",
};

/** The colour of the device at a position, on a light or a dark ground. */
export function deviceColor(position: number, dark = false): string {
  const color = PALETTE[position % PALETTE.length] ?? PALETTE[0];
  return dark ? (BRIGHT[color] ?? color) : color;
}
