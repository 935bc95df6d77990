// The settings while they are edited: a text that is not saved, and what the engine says it means.
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";

import type { Diagnostic, SettingsPage, SettingView } from "../../api/bindings";
import { host } from "../../api/host";
import { showError } from "../../api/queries";

export type Draft = {
  text: string;
  fields: SettingView[];
  diagnostics: Diagnostic[];
  changed: boolean;
  /** Changes one field; null takes it out of the file, so that its default is in force. */
  change: (field: string, value: string | null) => void;
  setText: (text: string) => void;
  discard: () => void;
  /** The draft is what the file holds now. */
  done: () => void;
};

type Meaning = { text: string; fields: SettingView[]; diagnostics: Diagnostic[] };

export function useDraft(saved: SettingsPage): Draft {
  const [draft, setDraft] = useState<Meaning | null>(null);
  // The text before its meaning is known: typing does not wait for the engine.
  const [typed, setTyped] = useState<string | null>(null);
  const present = draft ?? saved;
  const check = useDebouncedCallback((text: string) => {
    host().checkSettings(text).then(setDraft).catch(showError);
  }, 200);
  // The file caught up with the draft.
  if (draft !== null && draft.text === saved.text) setDraft(null);
  const text = typed ?? present.text;
  return {
    text,
    fields: present.fields,
    diagnostics: present.diagnostics,
    changed: text !== saved.text,
    change: (field, value) => {
      host()
        .editSettings(text, [{ field, value }])
        .then((edited) => {
          setTyped(null);
          setDraft(edited);
        })
        .catch(showError);
    },
    setText: (next) => {
      setTyped(next);
      check(next);
    },
    discard: () => {
      setTyped(null);
      setDraft(null);
    },
    done: () => setTyped(null),
  };
}
