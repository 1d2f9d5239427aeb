// What the curves are made of: ranges, lines, labels that keep clear of each other, and what can be read off.
import { before, known } from "../lib/curve";
import type { EpochPoint, History, Timeline } from "../messages";
import { count } from "../lib/words";

export interface Shown {
  name: string;
  colour: string;
  from: number; // drawn from this step on; before it, it is the same as the present one
  present: boolean;
  lag: number; // 1 where an epoch is one step of all rows: its error is that of the weights before the step
  history: History;
}

type Numbers = readonly (number | null)[];
type Scale = (value: number) => number;

const LABEL_WIDTH = 90;
const LABEL_HEIGHT = 14;
const ENDS = [10, 11, 12, 13, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90, 100];

// Where the axis of steps ends: a little behind the last one, and in place while a curve grows.
export function roomy(last: number): number {
  const wanted = Math.max(10, last * 1.01);
  const tens = 10 ** (Math.floor(Math.log10(wanted)) - 1);
  return Math.ceil(ENDS.find((end) => end * tens >= wanted)! * tens);
}

// The errors that are worth their place: what runs away leaves the picture, unless the scale is logarithmic.
export function errorRange(shown: readonly Shown[], log: boolean): [number, number] | null {
  const all = shown.flatMap(({ history, present }) => [
    ...history.epochs.flatMap((one) => [one.train, one.validation]),
    ...(present ? Object.values(history.baselines) : []),
  ]);
  const values = all.filter(known).filter((value) => !log || value > 0);
  if (!values.length) return null;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) return low === high ? [low / 1.2, high * 1.2] : [low / 1.05, high * 1.05];
  const begun = shown.flatMap(({ history, present }) => [
    history.epochs[0]?.train,
    history.epochs[0]?.validation,
    ...(present ? Object.values(history.baselines) : []),
  ]);
  const top = Math.min(high, 4 * Math.max(...begun.filter(known).map(Math.abs), Math.abs(low)));
  const room = 0.08 * (top - low || Math.abs(top) || 1);
  return [low >= 0 && low - room < 0.25 * top ? 0 : low - room, top + room];
}

// E of single steps has no axis: its range leaves out the highest hundredth, once there are hundreds.
export function rangeOfE(E: Numbers): [number, number] {
  const values = E.filter(known).sort((a, b) => a - b);
  if (!values.length) return [0, 1];
  const high = values[Math.ceil(0.99 * (values.length - 1))]!;
  return [Math.min(0, values[0]!), high > 0 ? 1.05 * high : 1];
}

// Dots as a path: of round ends without a line between them.
export function dots(step: readonly number[], value: Numbers, x: Scale, y: Scale, from = 0): string {
  return step
    .map((at, i) => {
      const v = value[i];
      return at >= from && known(v) && Number.isFinite(y(v)) ? `M${x(at).toFixed(1)} ${y(v).toFixed(1)}h0` : "";
    })
    .join("");
}

// The epoch that no later one improved on.
export const best = (epochs: readonly EpochPoint[]): EpochPoint | null =>
  epochs.findLast((one) => one.improved && known(one.validation)) ?? null;

// A line's colour, for letters: nearer to ink, so that it can be read.
export const letters = (colour: string): string => `color-mix(in oklab, ${colour} 80%, var(--ink))`;

// Where labels stand: each as near as possible to where its line ends, clear of those beside it.
export function placed<L extends { x: number; y: number }>(labels: readonly L[], low: number, high: number): L[] {
  const order = [...labels].sort((a, b) => a.x - b.x);
  const places: L[] = [];
  while (order.length) {
    const group = [order.shift()!];
    while (order.length && order[0]!.x - group.at(-1)!.x < LABEL_WIDTH) group.push(order.shift()!);
    const heights = spread(group.map((one) => one.y), LABEL_HEIGHT, low, high);
    places.push(...group.map((one, i) => ({ ...one, y: heights[i]! })));
  }
  return places;
}

// Where the middle of a text goes: at a line's point, but not so far right that it runs into what ends there.
export const beside = (at: number, wide: number, low: number, ends: readonly { x: number }[]): number =>
  Math.max(low, Math.min(at, ...ends.filter((end) => end.x > at).map((end) => end.x - wide)));

// Where a text of half a width `wide` around (x, y) crosses the least of some lines: above, or below, or farther away.
export function clear(
  x: number,
  y: number,
  wide: number,
  lines: readonly [number, number][][],
  low: number,
  high: number,
): number {
  const crossed = (by: number): number => {
    if (y + by < low || y + by > high) return Infinity;
    let sum = 0;
    for (const line of lines) {
      for (let i = 1; i < line.length; i++) {
        const [[x0, y0], [x1, y1]] = [line[i - 1]!, line[i]!];
        for (let at = x - wide; at <= x + wide; at += 8) {
          if (at < x0 || at > x1) continue;
          const passes = y0 + ((y1 - y0) * (at - x0)) / (x1 - x0 || 1);
          if (Math.abs(passes - y - by + 3) < 8) sum++;
        }
      }
    }
    return sum;
  };
  const ways = [-13, 21, -30, 38].map((by) => ({ by, crossed: crossed(by) }));
  return ways.reduce((one, other) => (other.crossed < one.crossed ? other : one)).by;
}

// Places as near as possible to those wanted, in their order, and `gap` apart, within [low, high].
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const places = [...wanted];
  let least = low;
  for (const i of order) least = (places[i] = Math.max(places[i]!, least)) + gap;
  let most = high;
  for (const i of order.reverse()) most = (places[i] = Math.min(places[i]!, most)) - gap;
  return places;
}

export interface Reading {
  step: number;
  epoch: number; // that the step belongs to
  E: number | null;
  ended: EpochPoint | null; // the last epoch that ended by then
}

// What there is to tell of a step: its own E, and the errors at the end of the epoch before it.
export function reading(history: History, growing: { step: number[]; E: number[] }, step: number): Reading {
  const ended = history.epochs[before(history.epochs.map((one) => one.step), step)] ?? null;
  const last = history.step.at(-1) ?? -1;
  const width = history.step.length > 1 ? history.step[1]! - history.step[0]! : 1;
  const own = history.E[before(history.step, step)];
  const grown = growing.E[before(growing.step, step)];
  const E = step < last + width ? own : growing.step.length && step <= growing.step.at(-1)! ? grown : null;
  const over = ended?.step === step && !known(E); // nothing was trained after it
  return { step, epoch: (ended?.epoch ?? 0) + (over ? 0 : 1), E: known(E) ? E : null, ended };
}

// Whose error the E of each step is: the row's that it learns from, or so many of them.
export function stepsOwner({ rows, train, settings }: Pick<Timeline, "rows" | "train" | "settings">, house: string): string {
  if (rows.length === 1) return `${house} ${rows[0]}`;
  return count(Math.min(Number(settings["batch_size"]) || train, train), house);
}
