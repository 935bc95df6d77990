// One run: its energy, its trace with the window, its phases, requests, devices, and everything that it depended on.
import { Alert, Anchor, Button, Card, Code, Grid, Group, Stack, Table, Text, Title } from "@mantine/core";
import { modals } from "@mantine/modals";
import { Link, useNavigate, useParams } from "@tanstack/react-router";

import type { RunDetail } from "../../api/bindings";
import { useHostAction, useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Loading, Page } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { StatusBadge } from "../../components/StatusBadge";
import { failureTitle } from "../../lib/failures";
import { duration, MISSING, plain, si, uncertain } from "../../lib/format";
import { Facts } from "./Facts";
import { Requests } from "./Requests";
import { RunAround } from "./RunAround";
import { RunBaselines } from "./RunBaselines";
import { RunDerived } from "./RunDerived";
import { RunMeter } from "./RunMeter";
import { RunGrade, RunQuality } from "./RunQuality";
import { RunTrace } from "./RunTrace";
import { WindowParts } from "./WindowParts";
import { whyMissing } from "./columns";

export function RunPage() {
  const { id } = useParams({ from: "/results/run/$id" });
  const run = useHostQuery("result", [id], (host) => host.result(id));
  const title = run.data ? `${run.data.experiment}, cycle ${run.data.cycle}` : "Run";
  return (
    <Page
      title={title}
      ready={!run.isPending}
      mark={run.data?.quality && <RunGrade report={run.data.quality} />}
      {...(run.data ? { actions: <Actions run={run.data} /> } : {})}
    >
      {run.error && <ErrorNotice error={run.error} onRetry={() => void run.refetch()} />}
      {run.data === undefined && !run.error && <Loading what="Reading the run" />}
      {run.data && <Run run={run.data} />}
    </Page>
  );
}

function Actions({ run }: { run: RunDetail }) {
  const navigate = useNavigate();
  const remove = useHostAction(
    (host) => host.deleteRuns([run.run_id]),
    ["results", "campaigns", "statistics"],
  );
  const ask = () =>
    modals.openConfirmModal({
      title: "Delete this run?",
      children: (
        <Text size="sm">Its results and its trace are deleted for good. Its campaign can run it again.</Text>
      ),
      labels: { confirm: "Delete for good", cancel: "Keep" },
      confirmProps: { color: "red" },
      onConfirm: () => remove.mutate(undefined, { onSuccess: () => void navigate({ to: "/results" }) }),
    });
  return (
    <>
      <Anchor component={Link} to={`/results?campaign=${run.campaign_id}`} size="sm">
        {run.campaign_name}
      </Anchor>
      <Button variant="subtle" color="red" onClick={ask}>
        Delete
      </Button>
    </>
  );
}

function Run({ run }: { run: RunDetail }) {
  return (
    <Stack gap="md" data-run={run.run_id}>
      <Summary run={run} />
      {run.error !== null && (
        <Alert color="red" title={failureTitle(run.error_kind)}>
          {run.error}
        </Alert>
      )}
      {run.warnings.length > 0 && (
        <Alert color="yellow" title="Worth knowing">
          {run.warnings.map((warning) => (
            <Text key={warning} size="sm">
              {warning}
            </Text>
          ))}
        </Alert>
      )}
      {run.traces.length > 0 && run.anchor_monotonic_ns !== null && (
        <Card>
          <RunTrace run={run} />
        </Card>
      )}
      <RunQuality run={run} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Phases run={run} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Devices run={run} />
        </Grid.Col>
      </Grid>
      <RunBaselines run={run} />
      <RunMeter run={run} />
      {/* Of another run nothing is shown, not even until this one's values are there. */}
      {run.status === "completed" && <RunDerived key={run.run_id} run={run} />}
      {run.request_records.length > 0 && <Requests run={run} />}
      <RunAround run={run} />
      <Facts title="Configuration" value={run.parameters} />
      <Facts title="What the worker reported" value={run.result} />
      <Facts title="Container" value={run.container} />
      <Facts title="Sampling" value={run.sampler} />
      <Facts title="All that was seen around the run" value={run.surroundings} />
      {run.stderr_tail !== null && run.stderr_tail !== "" && (
        <Card>
          <Title order={2} mb="xs">
            Last lines of the worker
          </Title>
          <Code block mah={300} tabIndex={0} style={{ overflow: "auto" }}>
            {run.stderr_tail}
          </Code>
        </Card>
      )}
    </Stack>
  );
}

function Summary({ run }: { run: RunDetail }) {
  const missing = whyMissing(run);
  const energy = uncertain(run.energy_j, run.energy_uncertainty_j, "J");
  const figures: [string, string, boolean][] = [
    ["Energy of the window", energy, true],
    ["Per output token", si(run.joules_per_output_token, "J/token"), true],
    ["Throughput", plain(run.tokens_per_second, "tokens/s"), false],
    ["Mean power", si(run.mean_power_w, "W"), true],
    ["Window", duration(run.window_s), false],
    ["Time to first token", plain(run.ttft_ms_p50, "ms"), false],
  ];
  return (
    <Card>
      <Group gap="xl">
        <Stack gap={2}>
          <StatusBadge status={run.status} />
          <Text size="sm" c="dimmed">
            {run.backend} · {run.model}
          </Text>
          {run.energy_source !== null && (
            <Text size="xs" c="dimmed">
              from {run.energy_source}
            </Text>
          )}
        </Stack>
        {figures.map(([label, text, energyLike]) => (
          <div key={label}>
            <Text size="xs" c="dimmed">
              {label}
            </Text>
            <Text fw={600} component="div">
              <Quantity text={text} provenance={energyLike ? run.provenance : null} missing={missing} />
            </Text>
          </div>
        ))}
      </Group>
      {run.baseline_kind !== null && <AboveBaseline run={run} kind={run.baseline_kind} />}
    </Card>
  );
}

/** Secondary to the energy as measured: it stands below it, smaller, and with the name of its baseline. */
function AboveBaseline({ run, kind }: { run: RunDetail; kind: string }) {
  const withheld = run.baselines.find(({ chosen }) => chosen)?.withheld;
  const text = uncertain(run.adjusted_energy_j, run.adjusted_energy_uncertainty_j, "J");
  return (
    <Text size="xs" c="dimmed" mt="xs" component="div">
      Above the {kind} baseline:{" "}
      {text === MISSING ? (
        `withheld, ${withheld ?? "the reason is not known"}`
      ) : (
        <Quantity text={text} provenance={run.provenance} />
      )}
    </Text>
  );
}

function Phases({ run }: { run: RunDetail }) {
  return (
    <Card h="100%">
      <Title order={2} mb="xs">
        Phases
      </Title>
      <Table aria-label="Phases">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Phase</Table.Th>
            <Table.Th ta="right">Time</Table.Th>
            <Table.Th ta="right">Energy</Table.Th>
            <Table.Th ta="right">Mean power</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.phases.map((phase) => {
            const seconds = phase.end_ns === null ? null : (phase.end_ns - phase.start_ns) / 1e9;
            const power =
              phase.energy_j === null || seconds === null || seconds === 0 ? null : phase.energy_j / seconds;
            const missing = phase.end_ns === null ? "the phase was cut off" : "the trace does not cover it";
            return (
              <Table.Tr key={phase.seq} {...(phase.phase === "measure" ? { fw: 600 } : {})}>
                <Table.Td>{phase.phase === "measure" ? "measured window" : phase.phase}</Table.Td>
                <Table.Td ta="right">{duration(seconds)}</Table.Td>
                <Table.Td ta="right">
                  <Quantity text={si(phase.energy_j, "J")} provenance={run.provenance} missing={missing} />
                </Table.Td>
                <Table.Td ta="right">
                  <Quantity text={si(power, "W")} provenance={run.provenance} missing={missing} />
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <WindowParts run={run} />
    </Card>
  );
}

function Devices({ run }: { run: RunDetail }) {
  const unless = (reason: string) => (run.window_s === null ? "the run has no measured window" : reason);
  return (
    <Card h="100%">
      <Title order={2} mb="xs">
        Devices
      </Title>
      <Table aria-label="Devices">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Device</Table.Th>
            <Table.Th ta="right">By counter</Table.Th>
            <Table.Th ta="right">By integral</Table.Th>
            <Table.Th ta="right">Hottest</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.devices.map((device) => (
            <Table.Tr key={device.device_id}>
              <Table.Td>
                {device.name}
                <Text size="xs" c="dimmed">
                  {device.source}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <Quantity
                  text={uncertain(device.counter_energy_j, device.counter_uncertainty_j, "J")}
                  provenance={device.provenance}
                  missing={unless("the device has no energy counter, or the trace does not reach the edges")}
                />
              </Table.Td>
              <Table.Td ta="right">
                <Quantity
                  text={uncertain(device.integral_energy_j, device.integral_uncertainty_j, "J")}
                  provenance={device.provenance}
                  missing={unless("the device reports no power, or the trace does not reach the edges")}
                />
              </Table.Td>
              <Table.Td ta="right">
                <Quantity
                  text={plain(device.max_temperature_c, "°C", 0)}
                  missing={unless("the device has no thermometer")}
                />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
