import { act, renderHook, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

import type { SettingChange, SettingsDraft, SettingsPage } from "../../api/bindings";
import { setHost, type Host } from "../../api/host";
import { useDraft } from "./draft";

const SAVED: SettingsPage = {
  path: "/p/.lem-config.yaml",
  exists: true,
  text: "a: 1\n",
  fields: [],
  diagnostics: [],
};

/** What the engine would answer: the text, and one finding where it is broken. */
function read(text: string): SettingsDraft {
  const diagnostics: SettingsDraft["diagnostics"] = text.includes("[")
    ? [{ severity: "error", code: "yaml", message: "broken", hint: null, file: null, at: null, field: null }]
    : [];
  return { text, fields: [], diagnostics };
}

const editSettings = vi.fn((before: string, [change]: SettingChange[]) =>
  Promise.resolve(read(`${before}${change?.field}: ${change?.value}\n`)),
);
const checkSettings = vi.fn((text: string) => Promise.resolve(read(text)));

beforeEach(() => {
  vi.clearAllMocks();
  setHost({ editSettings, checkSettings } as unknown as Host);
});

function draftOf(saved = SAVED) {
  return renderHook((page: SettingsPage) => useDraft(page), { initialProps: saved });
}

test("a field is changed by the engine, in the text that is being edited", async () => {
  const { result } = draftOf();
  act(() => result.current.change("b", "2"));
  await waitFor(() => expect(result.current.text).toBe("a: 1\nb: 2\n"));
  expect(editSettings).toHaveBeenCalledWith("a: 1\n", [{ field: "b", value: "2" }]);
  expect(result.current.changed).toBe(true);
  act(() => result.current.change("c", "3"));
  await waitFor(() => expect(result.current.text).toBe("a: 1\nb: 2\nc: 3\n"));
});

test("typing does not wait for the engine, which then says what it means", async () => {
  const { result } = draftOf();
  act(() => result.current.setText("a: ["));
  expect(result.current.text).toBe("a: [");
  expect(result.current.changed).toBe(true);
  await waitFor(() => expect(result.current.diagnostics).toHaveLength(1));
});

test("a draft that is the file again is no draft", async () => {
  const { result } = draftOf();
  act(() => result.current.setText("a: 2\n"));
  await waitFor(() => expect(checkSettings).toHaveBeenCalledTimes(1));
  act(() => result.current.setText("a: 1\n"));
  expect(result.current.changed).toBe(false);
});

test("discarding brings the file back", () => {
  const { result } = draftOf();
  act(() => result.current.setText("a: 2\n"));
  act(() => result.current.discard());
  expect(result.current.text).toBe("a: 1\n");
  expect(result.current.changed).toBe(false);
});

test("after saving, a later change of the file by someone else is not mistaken for a draft", async () => {
  const { result, rerender } = draftOf();
  act(() => result.current.change("b", "2"));
  await waitFor(() => expect(result.current.changed).toBe(true));
  act(() => result.current.done());
  rerender({ ...SAVED, text: "a: 1\nb: 2\n" });
  expect(result.current.changed).toBe(false);
  rerender({ ...SAVED, text: "a: 9\n" });
  expect(result.current.changed).toBe(false);
  expect(result.current.text).toBe("a: 9\n");
});

test("what was typed is kept when the file changes below it", () => {
  const { result, rerender } = draftOf();
  act(() => result.current.setText("a: 2\n"));
  rerender({ ...SAVED, text: "a: 1\nb: of someone else\n" });
  expect(result.current.text).toBe("a: 2\n");
  expect(result.current.changed).toBe(true);
});
