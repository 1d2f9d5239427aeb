// A race of learning rates as it is drawn and said: curves of E on one scale, and a sentence for each.
import { known } from "../lib/curve";
import { capital, count, number, say } from "../lib/words";
import type { History, Lane, Standings, Timeline } from "../messages";

export interface Curve {
  step: number[];
  E: (number | null)[];
}

// E of a lane's steps, from where the race began: as recorded, and then as told.
export function curve(history: History | undefined, grown: { step: number[]; E: number[] } | undefined, start: number): Curve {
  const from = history?.step.findIndex((one) => one >= start) ?? -1;
  const recorded = from < 0 ? { step: [], E: [] } : { step: history!.step.slice(from), E: history!.E.slice(from) };
  const last = recorded.step.at(-1) ?? start - 1;
  const later = (grown?.step ?? []).flatMap((step, i) => (step > last ? [{ step, E: grown!.E[i]! }] : []));
  return { step: [...recorded.step, ...later.map((one) => one.step)], E: [...recorded.E, ...later.map((one) => one.E)] };
}

const [RISE, FALL] = [1e3, 1e-10]; // as far from where E began as the scale reaches; what runs away leaves the picture

// The scale that all curves share, in whole powers of 10.
export function scaleOf(curves: readonly Curve[]): [number, number] {
  const all = curves.flatMap((one) => one.E).filter((one): one is number => known(one) && one > 0);
  const begun = curves.map((one) => one.E[0]).find((one) => known(one) && one > 0) ?? all[0] ?? 1;
  const low = Math.max(Math.min(begun, ...all), begun * FALL);
  const high = Math.min(Math.max(begun, ...all), begun * RISE);
  const [bottom, top] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return [Number(`1e${bottom}`), Number(`1e${Math.max(top, bottom + 1)}`)];
}

// Powers of 10 to mark, few enough to stand apart.
export function marks([low, high]: [number, number], most = 5): number[] {
  const [bottom, top] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const every = Math.ceil((top - bottom + 1) / most);
  return Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i).filter((one) => (top - one) % every === 0).map((one) => Number(`1e${one}`));
}

// Which rows' E it is.
export function whose(line: Timeline | null, noun: string): string {
  const { rows = [], train = 0 } = line ?? {};
  if (rows.length === 1) return `${noun} ${rows[0]}`;
  return rows.length ? `${noun}s ${rows.join(", ")}` : count(train, noun);
}

// How a lane stands, in a sentence. `rows`: all that are learnt from; `batch`: those of a step.
export function sentence(lane: Lane, { step, steps }: Standings, rows: string, batch: string): string {
  const { ending, share, before, after } = lane;
  const risen = (after ?? 0) > (before ?? Infinity) ? after : null;
  if (ending) return capital(say(`race.${ending}`, { rows, share, before, after, risen, step: lane.step }));
  const made = `Step ${count(lane.step - step)} of ${count(steps)}`;
  return lane.E === null ? made : `${made}: E of ${batch} is ${number(lane.E)}`;
}

// The rates that are typed, or null where one is none.
export function typed(texts: readonly string[]): number[] | null {
  const rates = texts.map((text) => (text.trim() === "" ? NaN : Number(text)));
  return rates.every((rate) => Number.isFinite(rate) && rate > 0) ? rates : null;
}
