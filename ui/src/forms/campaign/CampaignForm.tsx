// The form of a campaign. What it does not know stays in the YAML as it is.
import { Fieldset, SimpleGrid, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

import type { CampaignKeys, DeviceInfo } from "../../api/bindings";
import { useLive } from "../../api/live";
import { Backends } from "./Backends";
import { Baseline } from "./Baseline";
import { Cycles } from "./Cycles";
import { valueIn, type Data } from "./document";
import { ChoiceField, ListField, NumberField, TextField } from "./fields";
import { Gaps } from "./Gaps";
import { useCampaignKeys } from "./keys";
import { useLens } from "./lens";
import { Order } from "./Order";
import { idling } from "./rest";
import { Sweep } from "./Sweep";
import { words } from "./words";

const NO_DEVICES: DeviceInfo[] = [];
export function CampaignForm() {
  const keys = useCampaignKeys();
  const lens = useLens();
  const { data } = lens;
  const backends = words(valueIn(data, ["grid", "backends"]));
  return (
    <Stack gap="md">
      <Section title="Campaign">
        <TextField label="Name" path={["campaign_name"]} />
        <Elsewhere data={data} />
      </Section>
      <Section title="Backends">
        <Backends />
      </Section>
      <Section title="Models">
        <ListField
          label="Models"
          description="names or paths; several are compared"
          path={["grid", "models"]}
          suggestions={keys.models}
          placeholder="add a model"
        />
      </Section>
      <Section title="Parameters of all backends">
        <Sweep
          label="Add a parameter"
          path={["grid", "shared"]}
          known={keys.shared}
          elsewhere={idling(lens)}
          suggestions={suggestions(keys)}
        />
      </Section>
      {backends.map((backend) => (
        <Section key={backend} title={`Parameters of ${backend} alone`}>
          <Sweep
            label={`Add a parameter of ${backend}`}
            path={["grid", "backend_overrides", backend]}
            known={keys.backends.find(({ name }) => name === backend)?.options ?? []}
            suggestions={suggestions(keys)}
          />
        </Section>
      ))}
      <Workload keys={keys} />
      <Execution keys={keys} />
      <Section title="Thermal gaps">
        <Gaps />
      </Section>
      <Measurement />
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Fieldset legend={title} p="sm">
      <Stack gap="sm">{children}</Stack>
    </Fieldset>
  );
}

/** Experiments that are not a grid are shown in the plan, and written as YAML. */
function Elsewhere({ data }: { data: Data }) {
  const count = (key: string) => {
    const list = valueIn(data, [key]);
    return Array.isArray(list) ? list.length : 0;
  };
  const [files, listed] = [count("configs"), count("experiments")];
  if (files + listed === 0) return null;
  return (
    <Text size="xs" c="dimmed">
      Besides the grid: {files} experiment files and {listed} experiments written out, in the YAML.
    </Text>
  );
}

function Workload({ keys }: { keys: CampaignKeys }) {
  return (
    <Section title="Workload">
      <SimpleGrid cols={2}>
        <ChoiceField
          label="Dataset"
          path={["dataset"]}
          choices={keys.datasets.map((name) => ({ value: name, label: name }))}
          unset="the worker's own prompts"
        />
        <NumberField label="Prompts in a run" path={["num_samples"]} placeholder="of each experiment" />
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        Token limits, batch size, streaming and decoding are parameters above: max_output_tokens, batch_size,
        …
      </Text>
    </Section>
  );
}

function Execution({ keys }: { keys: CampaignKeys }) {
  return (
    <Section title="Execution">
      <Cycles />
      <SimpleGrid cols={2}>
        <NumberField label="Seed" path={["execution", "seed"]} placeholder="drawn at the start" />
        <NumberField label="Warm-up prompts" path={["execution", "warmup_prompts"]} />
        <NumberField label="Longest warm-up" path={["execution", "warmup_timeout_seconds"]} unit="s" />
        <NumberField
          label="A run may take"
          path={["execution", "run_timeout_seconds"]}
          unit="s"
          placeholder="as long as it takes"
        />
      </SimpleGrid>
      <Order structures={keys.structures} />
    </Section>
  );
}

function Measurement() {
  const devices = useLive((live) => live?.devices ?? NO_DEVICES);
  return (
    <Section title="Measurement">
      <SimpleGrid cols={2}>
        <ListField
          label="Devices"
          description="auto, or ids"
          path={["measurement", "devices"]}
          suggestions={["auto", ...devices.map((device) => device.id)]}
          placeholder="auto"
        />
        <NumberField
          label="Time between samples"
          says="range"
          path={["measurement", "interval_ms"]}
          unit="ms"
        />
      </SimpleGrid>
      <Baseline />
    </Section>
  );
}

function suggestions(keys: CampaignKeys): (key: string) => string[] {
  return (key) => {
    if (key === "fp_precision") return keys.precisions;
    if (key === "decoder.preset") return keys.decoder_presets;
    if (key === "streaming") return ["true", "false"];
    if (key.endsWith("tokens")) return ["64", "128", "256", "512"];
    if (key.endsWith("batch_size")) return ["1", "8", "32"];
    return [];
  };
}
