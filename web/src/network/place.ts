// Where everything of the network stands. Places depend on the layout and the width only, never on the numbers, so
// that nothing moves while it learns.
import type { Layout } from "../messages";
import { placeLabels, type Line } from "./labels";

export interface Point {
  x: number;
  y: number;
}

// A unit: its middle, and half its width and height. A circle where both are the same.
export interface Spot extends Point {
  rx: number;
  ry: number;
}

export interface Wire {
  d: string;
  back: string; // the same line from its end to its beginning
  middle: Point;
  early: Point; // on it, nearer to where it comes from, where edges have not come together yet
  label: Point | null; // between its two numbers; null where they are not shown
}

export interface Plan {
  width: number;
  height: number;
  least: number; // the height that it needs
  wide: boolean; // too much for a number on every edge
  upright: boolean; // from top to bottom; its columns lie then
  columns: { heading: Point; spots: Spot[]; more: Point | null; bare: boolean }[]; // bare: no room for a number inside
  wires: Wire[];
  ones: Spot[]; // where biases come from, if they are drawn as edges: a 1 before each layer
  outcome: Point & { width: number; flat: boolean }; // flat: a line below the network
  letters: number; // room for an input's name
  slanted: boolean; // so are the inputs' names
}

const SMALL = 24; // edges, which can all carry their numbers
const TOP = 64;
const BOTTOM = 34;
const OUTCOME = { width: 200, below: 100 };
const BESIDE = 740; // px, from which on there is room for the outcome beside the network
const UPRIGHT = 560; // px, from which on there is room for the network from left to right
const LABEL = { width: 66, up: 31, down: 19 };
const NAME = 32; // px, of a weight's name beside its number
const LOW = 20; // px, above the line: without what it was before the update
const TALLEST = 700; // of a picture that has more room than it needs

// `room`: the height that there is, of which it takes what it needs, and some more if it can. `named`: whether each
// weight's name stands beside its number.
export function place(layout: Layout, width: number, room = 0, named = false): Plan {
  if (width < UPRIGHT) return placeUpright(layout, width, named);
  const counts = layout.columns.map((column) => column.units.length);
  const most = Math.max(...counts);
  const wide = layout.edges.length > SMALL;
  const pitch = wide ? clamp(460 / most, 16, 40) : clamp(500 / most, 84, 132);
  const several = counts.at(-1)! > 1;
  const below = several || width < BESIDE;
  const bottom = below ? OUTCOME.below : BOTTOM;
  const least = TOP + Math.max(pitch * (most + (wide ? 1 : 0)), 300) + bottom;
  const height = Math.max(least, Math.min(room, TALLEST));
  const inner = height - TOP - bottom;

  const rx = wide ? (width < BESIDE ? 22 : 26) : Math.min(31, pitch * 0.28);
  const output = wide || several ? rx : 1.4 * rx; // the one map that all others lead to
  const longest = Math.max(...layout.columns[0]!.units.map((unit) => lettersOf(unit.label, unit.unit, wide)));
  const letters = clamp(longest, 6, width < BESIDE ? 14 : 22);
  const left = letters * 6.9 + 18 + rx;
  const right = below ? (several ? 110 : 54) + output : OUTCOME.width + 30 + output;
  const last = layout.columns.length - 1;
  const shares = acrosses(layout, wide);
  const columns = layout.columns.map((column, i) => {
    const x = left + (width - left - right) * shares[i]!;
    const slots = column.units.length + (column.count > column.units.length ? 1 : 0);
    // In a small network the outermost units stand near the rims.
    const apart = wide ? Math.min(46, inner / slots) : Math.min(170, (inner - 2 * rx - 40) / Math.max(1, slots - 1));
    const start = TOP + inner / 2 - (apart * (slots - 1)) / 2;
    const own = i === last ? output : rx;
    const ry = wide ? Math.min(11, apart / 2 - 1.5) : own;
    const bare = ry < 7.5;
    const size = bare ? { rx: 4.5, ry: 4.5 } : { rx: own, ry };
    const spots = column.units.map((_, k): Spot => ({ x, y: start + apart * k, ...size }));
    const more = slots > spots.length ? { x, y: start + apart * spots.length } : null;
    return { heading: { x, y: 16 }, spots, more, bare };
  });

  const wires = wired(layout, columns, wide, false, named);
  const end = columns[last]!.spots[0]!;
  const outcome = below
    ? { x: 8, y: height - OUTCOME.below + 26, width: width - 16, flat: true }
    : { x: end.x + end.rx + 24, y: end.y - 70, width: OUTCOME.width - 8, flat: false };
  return { width, height, least, wide, upright: false, columns, wires, ones: [], outcome, letters, slanted: false };
}

const SIDE = 30; // px at the left of an upright network, for its headings
const SLANTED = 12; // letters of a name that stands on end
const TALL = { outcome: 176, between: 44, label: 72 };

// The same from top to bottom, where there is more room that way. It is as high as it needs.
function placeUpright(layout: Layout, width: number, named: boolean): Plan {
  const counts = layout.columns.map((column) => column.units.length);
  const wide = layout.edges.length > SMALL;
  const inner = width - SIDE;
  const pitch = inner / Math.max(...counts);
  const slanted = inner / counts[0]! < 76;
  const letters = slanted ? SLANTED : Math.floor(inner / counts[0]! / 7.2);
  const r = wide ? clamp(pitch / 2 - 2, 4.5, 12) : Math.min(28, 0.27 * pitch);
  const last = counts.length - 1;
  const output = wide || counts[last]! > 1 ? r : 1.4 * r;
  const several = counts[last]! > 1 ? 22 : 0; // px, for their names
  // Between two columns room for so many rows of numbers, and for what stands at the units.
  const gaps = layout.columns.slice(1).map((column) => {
    const edges = layout.edges.filter((edge) => edge.layer === column.layer).length;
    return wide ? 96 : 56 + TALL.between * (1 + Math.ceil(edges / Math.floor(inner / (TALL.label + (named ? NAME : 0)))));
  });
  let y = (slanted ? 6.2 * SLANTED : 41) + r;
  const columns = layout.columns.map((column, i) => {
    const own = i === last ? output : r;
    if (i > 0) y += r + gaps[i - 1]! + own;
    const at = y;
    const across = inner / column.units.length;
    const spots = column.units.map((_, k): Spot => ({ x: SIDE + across * (k + 0.5), y: at, rx: own, ry: own }));
    return { heading: { x: 12, y: at }, spots, more: null, bare: wide };
  });
  const foot = y + output + (wide ? 8 : 26) + several;
  const height = foot + TALL.outcome - 26;
  const outcome = { x: 4, y: foot + 40, width: width - 8, flat: true };
  const wires = wired(layout, columns, wide, true, named);
  return { width, height, least: height, wide, upright: true, columns, wires, ones: [], outcome, letters, slanted };
}

function wired(layout: Layout, columns: Plan["columns"], wide: boolean, upright: boolean, named: boolean): Wire[] {
  const label = { ...LABEL, up: upright ? LOW : LABEL.up, width: LABEL.width + (named ? NAME : 0) };
  const ends = layout.edges.map((edge): Line => {
    const from = columns[edge.layer - 1]!.spots[edge.source]!;
    return trimmed(from, columns[edge.layer]!.spots[edge.unit]!, wide, upright);
  });
  const circles = columns.flatMap((column) => column.spots).flatMap(around);
  const places = wide ? null : placeLabels(ends, circles, label);
  return ends.map((line, i) => wire(line, wide, upright, places?.[i]));
}

function wire({ from, to }: Line, curved: boolean, upright: boolean, label: Point | null = null): Wire {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  // Of the way along and across; those of the curve a third down its length.
  const [x, y] = !curved ? [0.3, 0.3] : upright ? [0.216, 0.342] : [0.342, 0.216];
  const early = { x: from.x + x * (to.x - from.x), y: from.y + y * (to.y - from.y) };
  return { d: path(from, to, curved, upright), back: path(to, from, curved, upright), middle, early, label };
}

const PICTURE = { top: 40, one: 13, ones: 36, outcome: 126, narrow: UPRIGHT, above: 54 };

// A small network as a picture, without a number: inputs with room for what they say, and every bias as an edge from a 1.
export function picture(
  layout: Layout,
  biases: { layer: number; unit: number }[],
  texts: string[],
  width: number,
  height: number,
): Plan {
  const narrow = width < PICTURE.narrow;
  const most = Math.max(...layout.columns.map((column) => column.units.length));
  const letters = Math.max(6, ...texts.map((text) => text.length));
  const pill = narrow ? 3.6 * letters + 10 : 4.6 * letters + 20;
  const beside = width - 2 * PICTURE.one - 8; // the 1 that a layer has at its end
  const upright = narrow && texts.length * (2 * pill + 6) < beside;
  const pitch = clamp((height - PICTURE.top - PICTURE.ones) / most, 44, 130);
  const middle = PICTURE.top + (height - PICTURE.top - PICTURE.ones) / 2;
  const r = clamp(0.37 * pitch, 14, narrow ? 24 : 42);
  const output = Math.min(1.35 * r, narrow ? 30 : 56);
  const last = layout.columns.length - 1;
  const [left, right] = [pill + 2, width - output - (narrow ? 14 : PICTURE.outcome)];
  const [up, down] = [PICTURE.above + 20, height - output - 6];
  const sizeOf = (c: number) =>
    c === 0 ? { rx: pill, ry: Math.min(upright ? 18 : 22, 0.4 * pitch) } : c === last ? { rx: output, ry: output } : { rx: r, ry: r };
  const columns = layout.columns.map((column, c) => {
    const share = c / Math.max(1, last);
    const at = (k: number): Point => {
      const across = beside / column.units.length;
      if (upright) return { x: across * (k + 0.5), y: up + (down - up) * share };
      return { x: left + (right - left) * share, y: middle + pitch * (k - (column.units.length - 1) / 2) };
    };
    return { heading: at(0), spots: column.units.map((_, k): Spot => ({ ...at(k), ...sizeOf(c) })), more: null, bare: false };
  });
  const ones = columns.slice(1).map((column, c): Spot => {
    const [x, before] = [column.spots[0]!.x, columns[c]!.spots[0]!];
    const start = before.x + before.rx;
    const at = upright
      ? { x: width - PICTURE.one - 2, y: before.y }
      : { x: start + 0.36 * (x - start), y: middle + (pitch * most) / 2 + 4 + PICTURE.one };
    return { ...at, rx: PICTURE.one, ry: PICTURE.one };
  });
  const ends = [
    ...layout.edges.map(({ layer, source, unit }) => [columns[layer - 1]!.spots[source]!, columns[layer]!.spots[unit]!]),
    ...biases.map(({ layer, unit }) => [ones[layer - 1]!, columns[layer]!.spots[unit]!]),
  ] as [Spot, Spot][];
  const wires = ends.map(([from, to]) => wire(trimmed(from, to, true, upright), true, upright));
  const spot = columns[last]!.spots[0]!;
  const outcome = narrow && !upright
    ? { x: spot.x, y: spot.y + output + 20, width: 2 * output, flat: true }
    : { x: spot.x + output + 12, y: spot.y, width: PICTURE.outcome - 12, flat: false };
  return { width, height, least: height, wide: false, upright, columns, wires, ones, outcome, letters, slanted: false };
}

// How many letters a name takes, with its unit beside it or beneath.
const lettersOf = (label: string, unit: string, wide: boolean): number =>
  wide && unit && !label.includes(unit) ? label.length + unit.length + 1 : Math.max(label.length, unit.length);

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

// Where the columns stand, from 0 to 1. Between two with many numbers there is more room.
function acrosses(layout: Layout, wide: boolean): number[] {
  const gaps = layout.columns.slice(1).map((column) => {
    const edges = layout.edges.filter((edge) => edge.layer === column.layer).length;
    return wide ? 1 : 2 + Math.sqrt(edges);
  });
  const sums = gaps.reduce((all, gap) => [...all, all.at(-1)! + gap], [0]);
  return sums.map((sum) => sum / (sums.at(-1) || 1));
}

// A circle, and the numbers above and below it.
const around = ({ x, y, rx, ry }: Spot) => [
  { left: x - rx - 5, right: x + rx + 5, top: y - ry - 4, bottom: y + ry + 4 },
  { left: x - 32, right: x + 32, top: y - ry - 20, bottom: y - ry },
  { left: x - 44, right: x + 44, top: y + ry, bottom: y + ry + 22 },
];

// From rim to rim; in a wide network from side to side, or from top to bottom.
function trimmed(from: Spot, to: Spot, wide: boolean, upright: boolean): Line {
  if (wide && upright) return { from: { x: from.x, y: from.y + from.ry }, to: { x: to.x, y: to.y - to.ry } };
  if (wide) return { from: { x: from.x + from.rx, y: from.y }, to: { x: to.x - to.rx, y: to.y } };
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const at = (spot: Spot, by: number) => ({ x: spot.x + (by * dx) / length, y: spot.y + (by * dy) / length });
  return { from: at(from, from.rx), to: at(to, -to.rx) };
}

function path(from: Point, to: Point, curved: boolean, upright: boolean): string {
  const at = (x: number, y: number) => `${x.toFixed(1)},${y.toFixed(1)}`;
  if (!curved) return `M${at(from.x, from.y)}L${at(to.x, to.y)}`;
  if (upright) {
    const half = (from.y + to.y) / 2;
    return `M${at(from.x, from.y)}C${at(from.x, half)} ${at(to.x, half)} ${at(to.x, to.y)}`;
  }
  const half = (from.x + to.x) / 2;
  return `M${at(from.x, from.y)}C${at(half, from.y)} ${at(half, to.y)} ${at(to.x, to.y)}`;
}

export const shortened = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
