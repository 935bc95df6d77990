// YAML as text, with what the engine found marked at its place. Loaded when it is first shown: the editor is large.
import { yaml } from "@codemirror/lang-yaml";
import { linter, lintGutter, type Diagnostic as Mark } from "@codemirror/lint";
import { EditorView } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import CodeMirror from "@uiw/react-codemirror";
import { useMemo } from "react";

import type { Diagnostic } from "../api/bindings";

type Props = {
  label: string;
  text: string;
  onChange: (text: string) => void;
  diagnostics: Diagnostic[];
  height: string;
};

export default function YamlEditor({ label, text, onChange, diagnostics, height }: Props) {
  const scheme = useComputedColorScheme("light");
  const extensions = useMemo(
    () => [
      yaml(),
      lintGutter(),
      linter((view) => marks(view, diagnostics), { needsRefresh: () => true, delay: 50 }),
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorView.lineWrapping,
    ],
    [diagnostics, label],
  );
  return (
    <CodeMirror
      value={text}
      height={height}
      theme={scheme}
      extensions={extensions}
      onChange={onChange}
      indentWithTab={false}
      basicSetup={{ foldGutter: false, autocompletion: false }}
      style={{
        fontSize: 12.5,
        border: "1px solid var(--mantine-color-default-border)",
        borderRadius: 6,
        overflow: "hidden",
      }}
    />
  );
}

const SEVERITY = { note: "info", warning: "warning", error: "error" } as const;

function marks(view: EditorView, diagnostics: Diagnostic[]): Mark[] {
  return diagnostics.flatMap((diagnostic) => {
    const at = diagnostic.at;
    if (at === null || at.line > view.state.doc.lines) return [];
    const line = view.state.doc.line(at.line);
    const from = Math.min(line.from + at.column - 1, line.to);
    const message =
      diagnostic.hint === null ? diagnostic.message : `${diagnostic.message}. ${diagnostic.hint}`;
    return [{ from, to: line.to, severity: SEVERITY[diagnostic.severity], message }];
  });
}
