// Timelines as a tree: in which order they are drawn, and where they part.
import { say } from "../lib/words";
import type { Timeline } from "../messages";

export interface Branch {
  line: Timeline;
  row: number;
  leaves: number | null; // the row of the timeline whose step it starts from; null for the first one
}

// Children below their parent, the latest start first: so no elbow crosses a line.
export function branches(lines: readonly Timeline[]): Branch[] {
  const rows: Branch[] = [];
  const add = (line: Timeline, leaves: number | null): void => {
    const row = rows.push({ line, row: rows.length, leaves }) - 1;
    const children = lines.filter((one) => owner(lines, one)?.name === line.name);
    for (const child of children.sort((a, b) => b.start - a.start)) add(child, row);
  };
  for (const line of lines) if (owner(lines, line) === null) add(line, null);
  return rows;
}

// Whose step it starts from: a start before its parent's own belongs to the parent's parent.
function owner(lines: readonly Timeline[], line: Timeline): Timeline | null {
  let above = parent(lines, line);
  while (above && above.start > line.start) above = parent(lines, above) ?? null;
  return above;
}

const parent = (lines: readonly Timeline[], line: Timeline): Timeline | null =>
  lines.find((one) => one.name === line.parent) ?? null;

// Whose settings a step has: the timeline itself from its start on, before that the one it came from.
export function ownerAt(lines: readonly Timeline[], name: string, step: number): Timeline | null {
  let line = lines.find((one) => one.name === name) ?? null;
  while (line && step < line.start) line = parent(lines, line);
  return line;
}

// The step up to which two timelines are the same one; Infinity for one and the same, 0 where they share nothing.
export function parted(lines: readonly Timeline[], a: string, b: string): number {
  const [ours, theirs] = [lineage(lines, a), lineage(lines, b)];
  for (const [name, until] of ours) if (theirs.has(name)) return Math.min(until, theirs.get(name)!);
  return 0;
}

// A timeline and those it came from, each with the step up to which they share it.
function lineage(lines: readonly Timeline[], name: string): Map<string, number> {
  const all = new Map<string, number>();
  let [line, until] = [lines.find((one) => one.name === name) ?? null, Infinity];
  while (line && !all.has(line.name)) {
    all.set(line.name, until);
    until = Math.min(until, line.start);
    line = parent(lines, line);
  }
  return all;
}

// An elbow from the line above at (x, top) down to (x, y), and along to `end`.
export function elbow(x: number, top: number, y: number, end: number): string {
  const r = Math.min(6, (y - top) / 2, Math.max(0, end - x));
  return `M${x} ${top}V${y - r}Q${x} ${y} ${x + r} ${y}H${Math.max(x + r, end)}`;
}

// Why it ended; "" where it did not.
export const reason = (line: Timeline): string => (line.reason === null ? "" : say(`ended.${line.reason}`));

// "learning_rate" as people read it; names of weights stay as they are.
export const what = (name: string): string => (/[[#]/.test(name) ? name : name.replaceAll("_", " "));

export function changes(line: Timeline, most = 3): string {
  const first = line.changes.slice(0, most).map((one) => `${what(one.what)} ${one.before} → ${one.after}`);
  const more = line.changes.length - first.length;
  return [...first, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
