// Keys that work on every screen.
import { Kbd, Table } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { modals } from "@mantine/modals";
import { useNavigate } from "@tanstack/react-router";

const SHORTCUTS = [
  { keys: "alt+1", to: "/bench", label: "Bench" },
  { keys: "alt+2", to: "/campaigns", label: "Campaigns" },
  { keys: "alt+3", to: "/results", label: "Results" },
  { keys: "alt+4", to: "/settings", label: "Settings" },
  { keys: "alt+5", to: "/live", label: "Live" },
] as const;

export function showShortcuts() {
  modals.open({
    title: "Keyboard shortcuts",
    children: (
      <Table>
        <Table.Tbody>
          {SHORTCUTS.map((shortcut) => (
            <Table.Tr key={shortcut.keys}>
              <Table.Td>{shortcut.label}</Table.Td>
              <Table.Td>
                <Kbd>Alt</Kbd> + <Kbd>{shortcut.keys.slice(4)}</Kbd>
              </Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr>
            <Table.Td>Charts: move, zoom, all</Table.Td>
            <Table.Td>
              <Kbd>←</Kbd> <Kbd>→</Kbd> <Kbd>+</Kbd> <Kbd>−</Kbd> <Kbd>Home</Kbd>
            </Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Td>This list</Table.Td>
            <Table.Td>
              <Kbd>?</Kbd>
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
    ),
  });
}

export function useShortcuts() {
  const navigate = useNavigate();
  useHotkeys([
    ...SHORTCUTS.map(({ keys, to }): [string, () => void] => [keys, () => void navigate({ to })]),
    ["shift+?", showShortcuts],
  ]);
}
