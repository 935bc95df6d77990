// A screen that failed while it was drawn: the rest of the app stays, the failure goes to the log.
import { Button, Stack, Text } from "@mantine/core";
import { useEffect } from "react";

import { host } from "../api/host";
import { ErrorNotice } from "./ErrorNotice";
import { Page } from "./Page";

export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  useEffect(() => {
    const text = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
    // Where even that fails, the notice below is what is left.
    host()
      .reportPageError(text)
      .catch(() => {});
  }, [error]);
  return (
    <Page title="This screen failed">
      <Stack align="flex-start">
        <ErrorNotice error={error} onRetry={reset} />
        <Text size="sm">
          This is a defect of LEM Desktop; it was written to the log. A campaign that runs is not affected.
        </Text>
        <Button variant="default" onClick={() => window.location.reload()}>
          Load the page again
        </Button>
      </Stack>
    </Page>
  );
}
