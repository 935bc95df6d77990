// `.lem-config.yaml`, as a form and as text: two views of one draft, which the engine checks and alone writes.
import { Alert, Button, Code, Group, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { lazy, Suspense, useState } from "react";

import type { SettingsPage as Page_ } from "../../api/bindings";
import { host, HostError } from "../../api/host";
import { queries, showError, useHostQuery } from "../../api/queries";
import { DiffView } from "../../components/DiffView";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Findings } from "../../components/Findings";
import { Loading, Page } from "../../components/Page";
import { useUnsavedQuestion } from "../../components/unsaved";
import { ViewSwitch } from "../../components/ViewSwitch";
import { SettingFields } from "./SettingFields";
import { useDraft, type Draft } from "./draft";

const YamlEditor = lazy(() => import("../../components/YamlEditor"));

export function SettingsPage() {
  const settings = useHostQuery("settings", [], (engine) => engine.settings());
  return (
    <>
      {settings.error && (
        <Page title="Settings">
          <ErrorNotice error={settings.error} onRetry={() => void settings.refetch()} />
        </Page>
      )}
      {settings.data === undefined && !settings.error && (
        <Page title="Settings" ready={false}>
          <Loading what="Reading the settings" />
        </Page>
      )}
      {settings.data && <Editor saved={settings.data} />}
    </>
  );
}

function Editor({ saved }: { saved: Page_ }) {
  const draft = useDraft(saved);
  const [asText, setAsText] = useState(false);
  useUnsavedQuestion(draft.changed, "the settings");
  const broken = draft.diagnostics.some((problem) => problem.severity === "error");
  return (
    <Page title="Settings" actions={<Actions saved={saved} draft={draft} broken={broken} />}>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          <Code>{saved.path}</Code>{" "}
          {saved.exists ? "" : "does not exist yet: the built-in values are in force"}
        </Text>
        <ViewSwitch asText={asText} onChange={setAsText} />
      </Group>
      {draft.diagnostics.length > 0 && (
        <Alert
          color={broken ? "red" : "yellow"}
          title={broken ? "The file cannot be used as it is: built-in values are in force" : "Worth a look"}
        >
          {broken && !asText && (
            <Text size="sm" mb="xs">
              The file stays as it is until you correct it as YAML.
            </Text>
          )}
          <Findings all={draft.diagnostics} />
        </Alert>
      )}
      {asText ? (
        <Suspense fallback={<Loading what="Opening the editor" />}>
          <YamlEditor
            label=".lem-config.yaml"
            text={draft.text}
            onChange={draft.setText}
            diagnostics={draft.diagnostics}
            height="calc(100vh - 240px)"
          />
        </Suspense>
      ) : (
        <SettingFields fields={draft.fields} onChange={draft.change} disabled={broken} />
      )}
    </Page>
  );
}

function Actions({ saved, draft, broken }: { saved: Page_; draft: Draft; broken: boolean }) {
  const save = async () => {
    try {
      await host().saveSettings(saved.text, draft.text);
      draft.done();
      await queries.invalidateQueries({ queryKey: ["settings"] });
      // Anything else can rest on them: where results are, what a kilowatt hour costs, the gaps of a plan.
      void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "settings" });
      notifications.show({ title: "Settings saved", message: saved.path, color: "teal" });
    } catch (error) {
      if (error instanceof HostError && error.code === "conflict") return askAboutConflict(draft);
      showError(error);
    }
  };
  const review = () =>
    modals.openConfirmModal({
      title: "Save these changes?",
      size: "lg",
      children: <DiffView before={saved.text} after={draft.text} file=".lem-config.yaml" />,
      labels: { confirm: "Save", cancel: "Back" },
      onConfirm: () => void save(),
    });
  return (
    <>
      <Button variant="default" disabled={!draft.changed} onClick={draft.discard}>
        Discard
      </Button>
      <Button disabled={!draft.changed || broken} onClick={review}>
        Save …
      </Button>
    </>
  );
}

/** Nothing that was typed is lost: it stays in the draft, which is then compared with the file as it is now. */
function askAboutConflict(draft: Draft) {
  modals.openConfirmModal({
    title: "The file was changed by someone else",
    children: (
      <Text size="sm">
        Nothing was written. You can keep your text and look at what saving it would change in the file as it
        is now, or take the file as it is now.
      </Text>
    ),
    labels: { confirm: "Keep my text", cancel: "Take the file" },
    onConfirm: () => void queries.invalidateQueries({ queryKey: ["settings"] }),
    onCancel: () => {
      draft.discard();
      void queries.invalidateQueries({ queryKey: ["settings"] });
    },
  });
}
