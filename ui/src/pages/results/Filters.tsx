// Which runs are shown.
import { Button, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useDebouncedCallback } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";

import type { CampaignSummary, RunStatus } from "../../api/bindings";
import { useHostAction, useHostQuery } from "../../api/queries";
import { counted, dateTime } from "../../lib/format";
import { askForMeter } from "./MeterForm";
import type { View } from "./view";

const STATUSES: RunStatus[] = ["completed", "failed", "interrupted", "running", "waiting"];

export function Filters(props: { view: View; onChange: (view: View) => void; total: number | null }) {
  const { view, onChange, total } = props;
  const campaigns = useHostQuery("campaigns", [], (host) => host.campaigns()).data ?? [];
  const facets = useHostQuery("facets", [], (host) => host.facets()).data;
  const navigate = useNavigate();
  const search = useDebouncedCallback((text: string) => onChange({ ...view, search: text }), 250);
  const campaign = campaigns.find(({ id }) => id === view.campaign);
  return (
    <Group gap="xs" align="flex-end">
      <Select
        label="Campaign"
        placeholder="All"
        clearable
        searchable
        w={220}
        data={campaigns.map(({ id, name, created_unix_ns: at }) => ({
          value: id,
          label: `${name} · ${dateTime(at / 1e6)}`,
        }))}
        value={view.campaign}
        onChange={(value) =>
          void navigate({ to: "/results", search: value === null ? {} : { campaign: value } })
        }
      />
      <TextInput
        label="Search"
        placeholder="name, model, error"
        defaultValue={view.search}
        onChange={(event) => search(event.currentTarget.value)}
        w={140}
      />
      <Choice
        label="Backend"
        data={facets?.backends ?? []}
        value={view.backends}
        onChange={(backends) => onChange({ ...view, backends })}
      />
      <Choice
        label="Model"
        data={facets?.models ?? []}
        value={view.models}
        onChange={(models) => onChange({ ...view, models })}
      />
      <Choice
        label="State"
        data={STATUSES}
        value={view.statuses}
        onChange={(statuses) => onChange({ ...view, statuses })}
      />
      {campaign && campaign.completed > 0 && (
        <Button variant="subtle" onClick={() => askForMeter({ campaign: campaign.id }, false)}>
          Import meter
        </Button>
      )}
      {campaign && <DeleteCampaign campaign={campaign} />}
      <Text size="sm" c="dimmed" role="status" pb={6}>
        {total === null ? "" : counted(total, "run")}
      </Text>
    </Group>
  );
}

function Choice<T extends string>(props: {
  label: string;
  data: T[];
  value: T[];
  onChange: (value: T[]) => void;
}) {
  return (
    <MultiSelect
      label={props.label}
      {...(props.value.length === 0 ? { placeholder: "All" } : {})}
      clearable
      w={132}
      data={props.data}
      value={props.value}
      onChange={(value) => props.onChange(value as T[])}
    />
  );
}

function DeleteCampaign({ campaign }: { campaign: CampaignSummary }) {
  const navigate = useNavigate();
  const remove = useHostAction(
    (host) => host.deleteCampaign(campaign.id),
    ["campaigns", "results", "facets", "statistics"],
  );
  const ask = () =>
    modals.openConfirmModal({
      title: `Delete ${campaign.name}?`,
      children: (
        <Text size="sm">
          The campaign, its {campaign.completed + campaign.failed} finished runs and their traces are deleted
          for good. Exported files stay.
        </Text>
      ),
      labels: { confirm: "Delete for good", cancel: "Keep" },
      confirmProps: { color: "red" },
      onConfirm: () => remove.mutate(undefined, { onSuccess: () => void navigate({ to: "/results" }) }),
    });
  return (
    <Button variant="subtle" color="red" disabled={campaign.status === "running"} onClick={ask}>
      Delete campaign
    </Button>
  );
}
