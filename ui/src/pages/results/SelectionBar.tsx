// What can be done with selected runs.
import { Button, Group, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconTrash } from "@tabler/icons-react";

import { useHostAction } from "../../api/queries";
import { counted } from "../../lib/format";

export function SelectionBar({ selected, onClear }: { selected: ReadonlySet<string>; onClear: () => void }) {
  const remove = useHostAction(
    (host, runs: string[]) => host.deleteRuns(runs),
    ["campaigns", "results", "facets", "statistics"],
  );
  if (selected.size === 0) return null;
  const ask = () =>
    modals.openConfirmModal({
      title: `Delete ${counted(selected.size, "run")}?`,
      children: (
        <Text size="sm">
          Their results and traces are deleted for good. Their campaigns keep the plan: a campaign that lacks
          runs can be resumed, which runs them again.
        </Text>
      ),
      labels: { confirm: "Delete for good", cancel: "Keep" },
      confirmProps: { color: "red" },
      onConfirm: () => remove.mutate([...selected], { onSuccess: onClear }),
    });
  return (
    <Group gap="sm" mb="xs" role="toolbar" aria-label="Selected runs">
      <Text size="sm" fw={600}>
        {selected.size} selected
      </Text>
      <Button size="compact-sm" variant="subtle" onClick={onClear}>
        Clear
      </Button>
      <Button
        size="compact-sm"
        variant="light"
        color="red"
        leftSection={<IconTrash size={14} />}
        loading={remove.isPending}
        onClick={ask}
      >
        Delete
      </Button>
    </Group>
  );
}
