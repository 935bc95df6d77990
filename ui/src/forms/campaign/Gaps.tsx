// Thermal gaps: how they end, with the values that act then.
import { Anchor, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import type { ThermalMode } from "../../api/bindings";
import { duration, THIN } from "../../lib/format";
import { Choices } from "./Choices";
import { valueIn } from "./document";
import { NumberInForce } from "./InForce";
import { useLens } from "./lens";
import { MODE, thermalMode } from "./rest";

const MODES: Record<ThermalMode, { name: string; what: string }> = {
  fixed: { name: "fixed", what: "after the planned time" },
  adaptive: {
    name: "adaptive",
    what: "when temperature and power are back where they were before the first run",
  },
  hot: {
    name: "hot",
    what: "none: warm-up goes on until the temperature rises no more, as in a server under steady load",
  },
};

const BETWEEN_EXPERIMENTS = ["execution", "config_gap_seconds"] as const;
const BETWEEN_CYCLES = ["execution", "cycle_gap_seconds"] as const;
const LONGEST = ["thermal", "max_seconds"] as const;

export function Gaps() {
  const lens = useLens();
  const mode = thermalMode(lens);
  return (
    <Stack gap="xs">
      <Choices
        label="How a gap ends"
        path={MODE}
        value={mode}
        choices={MODES}
        onChoose={(chosen) => lens.set(MODE, chosen)}
      />
      {(mode === "fixed" || mode === null) && <Fixed />}
      {mode === "adaptive" && <Adaptive />}
      {mode === "hot" && (
        <NumberInForce
          label="Warm-up lasts at most"
          path={LONGEST}
          unit="s"
          show={duration}
          description="until the temperature is steady"
        />
      )}
      {mode !== "fixed" && mode !== null && <WithoutEffect />}
    </Stack>
  );
}

function Fixed() {
  return (
    <>
      <NumberInForce
        label="Between experiments of a cycle"
        path={BETWEEN_EXPERIMENTS}
        unit="s"
        show={duration}
      />
      <NumberInForce label="Where the cycle changes" path={BETWEEN_CYCLES} unit="s" show={duration} />
      <Text size="xs" c="dimmed">
        Without a value here, the one of{" "}
        <Anchor component={Link} to="/settings" size="xs" underline="always">
          .lem-config.yaml
        </Anchor>{" "}
        is in force.
      </Text>
    </>
  );
}

function Adaptive() {
  return (
    <>
      <NumberInForce
        label="A gap lasts at least"
        path={["thermal", "min_seconds"]}
        unit="s"
        show={duration}
      />
      <NumberInForce label="A gap lasts at most" path={LONGEST} unit="s" show={duration} />
      <NumberInForce
        label="Tolerance"
        path={["thermal", "tolerance_c"]}
        unit="°C"
        says="range"
        show={(value) => `${value}${THIN}°C`}
        description="so many above the first start count as cool; energy changes by 0.2 to 0.4 % with each"
      />
    </>
  );
}

/** Gaps of fixed length that stand in the file are kept there, for the way back. */
function WithoutEffect() {
  const { data } = useLens();
  const written = [BETWEEN_EXPERIMENTS, BETWEEN_CYCLES].filter(
    (path) => typeof valueIn(data, path) === "number",
  );
  if (written.length === 0) return null;
  return (
    <Text size="xs" c="dimmed">
      {written.map((path) => path.join(".")).join(" and ")} of the file {written.length === 1 ? "is" : "are"}{" "}
      for fixed gaps, without effect now.
    </Text>
  );
}
