// The backends as cards: one for each compose service that can run a worker. One that cannot be used is shown with the
// reason; nothing is ever taken in its place.
import { Badge, Card, Checkbox, Group, SegmentedControl, SimpleGrid, Stack, Text } from "@mantine/core";

import type { ServiceView } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { Loading } from "../../components/Page";
import { backendColor } from "../../lib/colors";
import { valueIn } from "./document";
import { fieldId, useLens } from "./lens";
import { words } from "./words";

const PATH = ["grid", "backends"] as const;

export function Backends() {
  const services = useHostQuery("services", [], (host) => host.services(), { every: 30_000 });
  const { data } = useLens();
  const runner = valueIn(data, ["runner"]);
  const processes = runner === "process";
  if (services.data === undefined) return <Loading what="Reading the services" />;
  const known = services.data.services.filter((service) => service.runs_workers || !service.present);
  const chosen = words(valueIn(data, PATH));
  const foreign = chosen.filter((name) => !known.some((service) => service.name === name));
  return (
    <Stack gap="xs" id={fieldId("runner")} tabIndex={-1}>
      <RunnerChoice runner={runner} />
      <SimpleGrid
        cols={2}
        spacing="xs"
        id={fieldId("grid.backends")}
        tabIndex={-1}
        role="group"
        aria-label="Backends"
      >
        {known.map((service) => (
          <BackendCard key={service.name} service={service} processes={processes} chosen={chosen} />
        ))}
        {foreign.map((name) => (
          <BackendCard
            key={name}
            service={{ ...NOWHERE, name, reason: "no service of the compose file has this name" }}
            processes={processes}
            chosen={chosen}
          />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

const NOWHERE: ServiceView = {
  name: "",
  present: false,
  image: null,
  built: null,
  built_at: null,
  gpus: false,
  runs_workers: false,
  usable: false,
  reason: null,
  remedy: null,
  notes: [],
};

/** The workers that come with the program. */
const PROCESSES: Record<string, string | undefined> = {
  candle: "embedded worker, on this machine",
  pytorch: "in the Python of the settings",
  vllm: "in the Python of the settings",
  tensorrt: "in the Python of the settings",
};

function RunnerChoice({ runner }: { runner: unknown }) {
  const { set, disabled } = useLens();
  if (runner !== undefined && typeof runner !== "string") {
    return (
      <Text size="xs" c="dimmed">
        Where each backend runs is written in the YAML under `runner`.
      </Text>
    );
  }
  return (
    <SegmentedControl
      size="xs"
      aria-label="Where workers run"
      disabled={disabled}
      data={[
        { value: "docker", label: "In containers (docker)" },
        { value: "process", label: "As processes here" },
      ]}
      value={runner === "process" ? "process" : "docker"}
      onChange={(value) => set(["runner"], value)}
    />
  );
}

function BackendCard(props: { service: ServiceView; processes: boolean; chosen: string[] }) {
  const { service, processes, chosen } = props;
  const { set, disabled } = useLens();
  const on = chosen.includes(service.name);
  // As a process, the workers that come along need no service; others need a command, which the YAML gives.
  const process = PROCESSES[service.name];
  const usable = processes ? process !== undefined : service.usable;
  const reason = processes
    ? (process ?? "as a process it needs a command: see `runner` in the documentation")
    : service.reason;
  const toggle = () => {
    const next = on ? chosen.filter((name) => name !== service.name) : [...chosen, service.name];
    set(PATH, next.length === 0 ? undefined : next);
  };
  return (
    <Card p="xs" style={{ borderLeft: `4px solid ${usable ? backendColor(service.name) : "transparent"}` }}>
      <Checkbox
        label={service.name}
        checked={on}
        // What is chosen and cannot be used can be taken out again.
        disabled={disabled || (!usable && !on)}
        onChange={toggle}
        aria-describedby={`backend-${service.name}`}
        fw={600}
      />
      <Group gap={4} mt={4}>
        {!processes && service.image !== null && (
          <Text size="xs" c="dimmed" className="clip">
            {service.image}
          </Text>
        )}
        {!processes && service.built === true && (
          <Badge size="xs" color="green" variant="light" tt="none">
            built
          </Badge>
        )}
        {!processes && service.gpus && (
          <Badge size="xs" variant="light" tt="none">
            GPU
          </Badge>
        )}
      </Group>
      <Text size="xs" c={usable ? "dimmed" : "orange"} id={`backend-${service.name}`}>
        {reason}
        {!usable && !processes && service.remedy !== null ? `. ${service.remedy}` : ""}
      </Text>
    </Card>
  );
}
