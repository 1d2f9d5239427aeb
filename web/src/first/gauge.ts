// Guess and truth on one scale: what a number is guessed to be, or how likely the true class is held.
import type { Moment } from "../messages";
import { reach, shownOn } from "../house/house";
import { chance, number, tick } from "../lib/words";

export const NARROW = 560; // px

export interface Reading {
  guess: number;
  truth: number;
  unit: string | null; // null: of a chance
}

// Null where there is no one number, such as for several outputs.
export function reading(moment: Moment, classes: readonly string[], unit: string): Reading | null {
  if (moment.of !== "row") return null;
  if (classes.length) {
    const i = moment.truth.findIndex((share) => share >= 0.5);
    const guess = moment.prediction.length === classes.length ? moment.prediction[i] : undefined;
    return Number.isFinite(guess) ? { guess: guess!, truth: 1, unit: null } : null;
  }
  const [guess, truth] = [moment.prediction[0], moment.truth[0]];
  if (moment.prediction.length !== 1 || !Number.isFinite(guess) || !Number.isFinite(truth)) return null;
  return { guess: guess!, truth: truth!, unit };
}

export const written = (value: number, unit: string | null): string =>
  unit === null ? chance(value) : number(value, 4, unit);

export const marked = (value: number, unit: string | null): string =>
  unit === null ? `${Math.round(100 * value)}%` : tick(value, unit);

// "$261,299 too high".
export function miss({ guess, truth, unit }: Reading): string {
  const off = guess - truth;
  if (off === 0) return "just right";
  return `${written(Math.abs(off), unit)} ${unit === null ? "short" : off > 0 ? "too high" : "too low"}`;
}

// Where the miss is written, so that it covers nothing: between guess and truth, beyond the guess, beyond the guess
// before it, or below the line. half: of the text's width; all in px.
export function place(
  { guess, truth, was }: { guess: number; truth: number; was: number | null },
  half: number,
  width: number,
): { x: number; below: boolean } {
  const marks = was === null ? [guess, truth] : [guess, truth, was];
  const middle = (guess + truth) / 2;
  const beyond = (mark: number) => mark + (guess < truth ? -1 : 1) * (half + 30);
  const free = (x: number) => x > half && x < width - half && marks.every((mark) => Math.abs(x - mark) > half + 26);
  const x = [middle, ...(width < NARROW ? [] : [guess, was ?? guess].map(beyond))].find(free);
  return x === undefined ? { x: Math.max(half, Math.min(width - half, middle)), below: true } : { x, below: false };
}

// How far the scale reaches; never less than before, so that nothing jumps.
export function scale({ guess, truth, unit }: Reading, others: number[], before: [number, number]): [number, number] {
  if (unit === null) return [0, 1];
  return reach([truth, guess, ...others].flatMap((value) => shownOn(truth, value)), before);
}

// "better by $71,998": how much nearer the guess after a step is to the truth.
export function gain(before: number, after: number, truth: number, unit: string): { text: string; better: boolean | null } {
  const nearer = Math.abs(before - truth) - Math.abs(after - truth);
  if (nearer === 0) return { text: "no better, no worse", better: null };
  const better = nearer > 0;
  return { text: `${better ? "better" : "worse"} by ${number(Math.abs(nearer), 4, unit)}`, better };
}
