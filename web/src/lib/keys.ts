// The keys, in one list: what they do, and how the page's help tells of them.
import type { Studio } from "./studio.svelte";

export interface Key {
  key: string; // as KeyboardEvent.key has it
  shift?: boolean;
  shown: string;
  does: string;
  act: (studio: Studio) => void;
}

const epoch = (studio: Studio): number => studio.moment.line?.steps_an_epoch ?? 1;

export const KEYS: Key[] = [
  { key: " ", shown: "space", does: "play, or stop", act: (studio) => studio.training.toggle() },
  { key: "ArrowRight", shown: "→", does: "a step forward", act: (studio) => studio.forward() },
  { key: "ArrowLeft", shown: "←", does: "a step back", act: (studio) => studio.back() },
  {
    key: "ArrowRight",
    shift: true,
    shown: "shift →",
    does: "a phase of the step forward",
    act: (studio) => studio.forwardPhase(),
  },
  { key: "ArrowLeft", shift: true, shown: "shift ←", does: "a phase back", act: (studio) => studio.backPhase() },
  { key: "PageDown", shown: "page down", does: "an epoch forward", act: (studio) => studio.forward(epoch(studio)) },
  { key: "PageUp", shown: "page up", does: "an epoch back", act: (studio) => studio.back(epoch(studio)) },
  { key: "Home", shown: "home", does: "to the first step", act: (studio) => studio.go(0) },
  { key: "End", shown: "end", does: "to the last step there is", act: (studio) => studio.go(studio.moment.last) },
  {
    key: "Escape",
    shown: "escape",
    does: "out of a unit; then the whole step at once; then no weight chosen",
    act: (studio) => {
      if (studio.moment.unit) studio.moment.unit = null;
      else if (studio.moment.phase !== null) studio.moment.phase = null;
      else studio.moment.weight = null;
    },
  },
  { key: "n", shown: "n", does: "the next row", act: (studio) => studio.moment.look(nextRow(studio, 1)) },
  { key: "p", shown: "p", does: "the row before", act: (studio) => studio.moment.look(nextRow(studio, -1)) },
  {
    key: "b",
    shown: "b",
    does: "one row, or the step's whole batch",
    act: (studio) => (studio.moment.of = studio.moment.of === "row" ? "batch" : "row"),
  },
  { key: "?", shown: "?", does: "this list", act: (studio) => (studio.help = !studio.help) },
];

function nextRow(studio: Studio, by: number): number {
  const rows = studio.known.run?.rows ?? 1;
  return (studio.moment.row + by + rows) % rows;
}

// What a key means, unless whoever has the focus needs it: a field for its text, a button for the space bar.
export function meant(event: KeyboardEvent): Key | undefined {
  if (document.querySelector("dialog[open]")) return undefined; // what is behind it does not move
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return undefined;
  const target = event.target as HTMLElement;
  if (target.closest("input, select, textarea, [contenteditable]")) return undefined;
  if (event.key === " " && target.closest("button, summary, a, [role=button], [role=slider]")) return undefined;
  const shift = event.key.startsWith("Arrow") && event.shiftKey;
  return KEYS.find((one) => one.key === event.key && (one.shift ?? false) === shift);
}
