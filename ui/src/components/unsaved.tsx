// The question when a screen is left with changes that are not saved.
import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useBlocker } from "@tanstack/react-router";
import { useEffect } from "react";

/** Asks before the screen is left, while `changed`; `what` is what would be lost. */
export function useUnsavedQuestion(changed: boolean, what: string) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: () => changed,
    enableBeforeUnload: false,
    withResolver: true,
  });
  useEffect(() => {
    if (status !== "blocked") return;
    // Whatever closes the question but the one button is a wish to stay.
    let leaves = false;
    modals.openConfirmModal({
      title: `Leave without saving ${what}?`,
      children: <Text size="sm">What you changed on this screen is not in the file yet.</Text>,
      labels: { confirm: "Leave without saving", cancel: "Stay" },
      confirmProps: { color: "red" },
      onConfirm: () => {
        leaves = true;
        proceed();
      },
      onClose: () => {
        if (!leaves) reset();
      },
    });
  }, [status, proceed, reset, what]);
}
