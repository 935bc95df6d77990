// Pause, skip, stop.
import { Button, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconPlayerPause, IconPlayerPlay, IconPlayerSkipForward, IconPlayerStop } from "@tabler/icons-react";

import type { Now, Steer } from "../../api/bindings";
import { useHostAction } from "../../api/queries";
import { counted } from "../../lib/format";

export function Controls({ now }: { now: Now }) {
  const steer = useHostAction((host, action: Steer) => host.steer(action));
  if (now.state === "ended") return null;
  const stop = () =>
    modals.openConfirmModal({
      title: "Stop the campaign now?",
      children: (
        <Text size="sm">
          The worker is asked to end. Finished runs are kept, and so is what was measured of this run; the run
          itself is done again when you resume the campaign. Left: {counted(now.remaining, "run")}.
        </Text>
      ),
      labels: { confirm: "Stop now", cancel: "Go on" },
      confirmProps: { color: "red" },
      onConfirm: () => steer.mutate("stop"),
    });
  return (
    <>
      {/* A baseline cannot be cut short: what is recorded of it would say nothing. */}
      {now.gap !== null && now.gap.purpose !== "baseline" && (
        <Button
          variant="default"
          leftSection={<IconPlayerSkipForward size={16} />}
          onClick={() => steer.mutate("skip_gap")}
        >
          Skip this gap
        </Button>
      )}
      {now.pause_asked ? (
        <Button leftSection={<IconPlayerPlay size={16} />} onClick={() => steer.mutate("go_on")}>
          Continue
        </Button>
      ) : (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={16} />}
          disabled={now.stop_asked}
          onClick={() => steer.mutate("pause")}
        >
          Pause after this run
        </Button>
      )}
      <Button
        color="red"
        variant="light"
        leftSection={<IconPlayerStop size={16} />}
        disabled={now.stop_asked}
        onClick={stop}
      >
        {now.stop_asked ? "Stopping" : "Stop"}
      </Button>
    </>
  );
}
