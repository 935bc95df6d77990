// Saving a campaign, and starting it. What is started is what is in the file.
import { Button, Menu } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { IconChevronDown, IconPlayerPlay } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { CampaignText } from "../../api/bindings";
import { host, HostError } from "../../api/host";
import { isRunning, useLive } from "../../api/live";
import { queries, showError } from "../../api/queries";

type Props = {
  saved: CampaignText;
  text: string;
  canRun: boolean;
  onSaved: (file: CampaignText) => void;
  onText: (text: string) => void;
};

export function BuilderActions({ saved, text, canRun, onSaved, onText }: Props) {
  const navigate = useNavigate();
  const running = useLive(isRunning);
  const [busy, setBusy] = useState(false);
  const changed = text !== saved.text || saved.path === null;

  const keep = (file: CampaignText) => {
    onSaved(file);
    void queries.invalidateQueries({ queryKey: ["campaign-files"] });
  };
  const save = async (): Promise<CampaignText | null> => {
    try {
      const file = await host().saveCampaign(saved.path, saved.path === null ? null : saved.text, text);
      keep(file);
      return file;
    } catch (error) {
      if (error instanceof HostError && error.code === "conflict" && saved.path !== null)
        askAboutConflict(saved.path, onSaved, onText);
      else showError(error);
      return null;
    }
  };
  const saveAs = async () => {
    try {
      const file = await host().saveCampaignAs(text);
      if (file !== null) keep(file);
    } catch (error) {
      showError(error);
    }
  };
  const start = async () => {
    setBusy(true);
    const file = changed ? await save() : saved;
    if (file?.path != null) {
      try {
        await host().startCampaign(file.path);
        void navigate({ to: "/live" });
      } catch (error) {
        showError(error);
      }
    }
    setBusy(false);
  };
  const saveAndSay = async () => {
    const file = await save();
    if (file !== null) notifications.show({ title: "Campaign saved", message: file.path, color: "teal" });
  };
  return (
    <>
      <Button.Group>
        <Button variant="default" disabled={!changed} onClick={() => void saveAndSay()}>
          Save
        </Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={6} aria-label="More ways to save">
              <IconChevronDown size={16} />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void saveAs()}>Save as …</Menu.Item>
            <Menu.Item onClick={() => onSaved({ path: null, text })}>Duplicate</Menu.Item>
            <Menu.Item disabled={text === saved.text} onClick={() => onText(saved.text)}>
              Discard changes
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Button.Group>
      <Button
        leftSection={<IconPlayerPlay size={16} />}
        disabled={!canRun || running}
        loading={busy}
        title={running ? "a campaign is running" : canRun ? "" : "the plan cannot run: see its problems"}
        onClick={() => void start()}
      >
        {changed ? "Save and start" : "Start"}
      </Button>
    </>
  );
}

/** Nothing that was typed is lost, and nothing of the other's is overwritten without a word. */
function askAboutConflict(
  path: string,
  onSaved: (file: CampaignText) => void,
  onText: (text: string) => void,
) {
  modals.openConfirmModal({
    title: "The file was changed by someone else",
    children: `${path} holds another text by now; nothing was written. Save again to put your text in its place, or take the file as it is now.`,
    labels: { confirm: "Keep my text", cancel: "Take the file" },
    onConfirm: () => {
      host().openCampaign(path).then(onSaved).catch(showError);
    },
    onCancel: () => {
      host()
        .openCampaign(path)
        .then((file) => {
          onSaved(file);
          onText(file.text);
        })
        .catch(showError);
    },
  });
}
