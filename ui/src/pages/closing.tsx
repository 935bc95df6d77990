// The question when the window is to be closed while a campaign runs.
import { Button, Group, Text } from "@mantine/core";
import { modals } from "@mantine/modals";

import type { CloseAnswer } from "../api/bindings";
import { host } from "../api/host";
import { showError } from "../api/queries";

const ID = "closing";

/** However the question is closed, and however often it is asked: it is answered once. */
let asking = false;

function answer(choice: CloseAnswer) {
  if (!asking) return;
  asking = false;
  modals.close(ID);
  host().answerClose(choice).catch(showError);
}

export function askAboutClosing() {
  if (asking) return;
  asking = true;
  modals.open({
    modalId: ID,
    title: "A campaign is running",
    onClose: () => answer("cancel"),
    children: (
      <>
        <Text size="sm">
          It can go on without the window; the tray brings the window back. If you stop it, finished runs are
          kept and the campaign can be resumed later.
        </Text>
        <Group justify="flex-end" mt="md" gap="xs">
          <Button variant="default" onClick={() => answer("cancel")}>
            Back
          </Button>
          <Button color="red" variant="light" onClick={() => answer("stop_and_quit")}>
            Stop it and quit
          </Button>
          <Button onClick={() => answer("keep_running")} data-autofocus>
            Keep it running
          </Button>
        </Group>
      </>
    ),
  });
}
