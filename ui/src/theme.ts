// The look of the app: an instrument, calm and dense. Everything that is styled takes its colours from here.
import {
  createTheme,
  defaultVariantColorsResolver,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from "@mantine/core";

const teal: MantineColorsTuple = [
  "#e6fbf8",
  "#d0f3ee",
  "#a3e6dc",
  "#72d8c9",
  "#4accb9",
  "#30c4af",
  "#0f9f8c",
  "#0b7d6f",
  "#086359",
  "#044a42",
];

const slate: MantineColorsTuple = [
  "#d5dadd",
  "#b3bcc2",
  "#8d9aa3",
  "#6b7a85",
  "#43515b",
  "#2f3b44",
  "#243039",
  "#18222a",
  "#121a21",
  "#0c1218",
];

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 5 },
  autoContrast: true,
  colors: { teal, dark: slate },
  defaultRadius: "md",
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: "0.72rem", sm: "0.82rem", md: "0.9rem", lg: "1rem", xl: "1.15rem" },
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "1.3rem" }, h2: { fontSize: "1rem" }, h3: { fontSize: "0.9rem" } },
  },
  focusRing: "auto",
  respectReducedMotion: true,
  variantColorResolver: (input) => {
    const colors = defaultVariantColorsResolver(input);
    const primary = (input.color ?? "teal") === "teal";
    // `autoContrast` looks at the shade of the light scheme alone.
    return input.variant === "filled" && primary ? { ...colors, color: "var(--lem-on-primary)" } : colors;
  },
  components: {
    Card: { defaultProps: { withBorder: true, padding: "md", radius: "md" } },
    Tooltip: {
      defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } },
    },
    Button: { defaultProps: { size: "sm" } },
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Notification: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Dismiss" },
        styles: { description: { color: "var(--mantine-color-dimmed)" } },
      },
    },
    // What scrolls must be reachable by keyboard.
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
    Table: { defaultProps: { verticalSpacing: 6, horizontalSpacing: "sm" } },
  },
});

/** Texts on tinted grounds, dark enough for a contrast of 4.5 (WCAG 2.2, 1.4.3), which those of Mantine do not reach. */
const INK = {
  red: "#a51d1d",
  orange: "#9c3407",
  yellow: "#7a4a00",
  green: "#1d6a2d",
  teal: "#086359",
  blue: "#155a9c",
  grape: "#862e9c",
  gray: "#343a40",
} as const;

/** Where Mantine's colours are too faint on light grounds, and its tints too loud on dark ones. */
export const variables: CSSVariablesResolver = () => {
  const light: Record<string, string> = {
    "--mantine-color-dimmed": "#59636c",
    "--lem-on-primary": "#ffffff",
  };
  const dark: Record<string, string> = { "--mantine-color-dimmed": "#a7b2ba", "--lem-on-primary": "#0c1218" };
  for (const [color, ink] of Object.entries(INK)) {
    light[`--mantine-color-${color}-light-color`] = ink;
    light[`--mantine-color-${color}-text`] = ink;
    light[`--mantine-color-${color}-outline`] = ink;
    const tint = (share: number) =>
      `color-mix(in srgb, var(--mantine-color-${color}-6) ${share}%, transparent)`;
    dark[`--mantine-color-${color}-light`] = tint(18);
    dark[`--mantine-color-${color}-light-hover`] = tint(26);
    dark[`--mantine-color-${color}-light-color`] = `var(--mantine-color-${color}-3)`;
    dark[`--mantine-color-${color}-text`] = `var(--mantine-color-${color}-4)`;
  }
  return { variables: {}, light, dark };
};
