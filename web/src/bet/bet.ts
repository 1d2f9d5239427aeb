// A bet on a step: what is asked before it is made, and how the answers came out, from the step's own account.
import { count, number } from "../lib/words";
import type { Account, Moment } from "../messages";

export const QUESTIONS = ["direction", "weight", "size"] as const;
export type Question = (typeof QUESTIONS)[number];

export interface Answers {
  direction: "up" | "down" | null;
  weight: string | null;
  size: number; // of the change, in the unit of what is bet on
}

export interface Result {
  question: Question;
  won: boolean;
  text: string;
}

// What a bet was made on, as it was before the step.
export interface Stake {
  guess: boolean; // the guess moves; otherwise E
  truth: number | null; // where there is one
  own: boolean; // the step learns from what is looked at alone
  whose: string;
}

export function stake({ prediction, truth, n, happened }: Moment, classes: readonly string[], whose: string): Stake {
  const guess = prediction.length === 1 && !classes.length;
  return { guess, truth: guess && n === 1 ? truth[0]! : null, own: happened, whose };
}

export const subject = ({ guess, truth, whose }: Stake): string =>
  guess ? (truth === null ? `the mean guess of ${whose}` : "the guess") : `E of ${whose}`;

// How far the scale of sizes reaches, and in what steps: to where the guess would be right, or E would be 0.
export function scale(moment: Moment, guess: boolean): { top: number; by: number } {
  const all = guess ? [moment.difference[0], moment.prediction[0], 1] : [moment.E, 1];
  const most = all.map((one) => Math.abs(one ?? 0)).find((one) => one > 0 && Number.isFinite(one))!;
  const by = 10 ** Math.floor(Math.log10(most / 20));
  return { top: Math.ceil(most / by) * by, by };
}

// What is in the middle of the scale, on one of its steps.
export const middle = ({ top, by }: { top: number; by: number }): number => Math.round(top / 2 / by) * by;

const SHARES: [number, string][] = [[0.9, "Very close"], [0.75, "Close"], [0.6, "Not far off"]];

// The answers to some questions, each with how it came out; a question without an answer is left out.
// `called`: what a weight is called on the page.
export function results(
  questions: readonly Question[],
  answers: Answers,
  account: Account,
  stake: Stake,
  called: (weight: string) => string = (weight) => weight,
): Result[] {
  const own = { direction: () => direction(answers, account, stake), weight: () => weight(answers, account, called), size: () => size(answers, account) };
  return questions.flatMap((one) => own[one]() ?? []);
}

const written = (value: number, { of, unit }: Account): string => number(value, of === "E" ? 4 : 5, unit);
const signed = (value: number, account: Account): string => (value > 0 ? "+" : "") + written(value, account);

function direction({ direction: said }: Answers, account: Account, stake: Stake): Result | null {
  if (said === null) return null;
  const { before, after } = account;
  const what = subject(stake);
  const result = (won: boolean, text: string): Result => ({ question: "direction", won, text });
  if (before === after) return result(false, `Neither: ${what} stayed at ${written(before, account)}.`);
  const went = after > before ? "up" : "down";
  const path = `${what} went ${went} by ${written(Math.abs(after - before), account)}, from ${written(before, account)} to ${written(after, account)}.`;
  return result(said === went, `${said === went ? "Yes" : "No"}: ${path}${why(account, stake, said === went)}`);
}

function why({ before, after }: Account, { truth, own }: Stake, won: boolean): string {
  if (truth === null) return "";
  if (Math.abs(after - truth) < Math.abs(before - truth)) return won ? "" : ` It was too ${before > truth ? "high" : "low"}.`;
  if (!own) return " That is farther from the truth: the step did not learn from this row alone.";
  return (before - truth) * (after - truth) < 0 ? " That is too far: it went past the truth." : "";
}

function weight({ weight: said }: Answers, account: Account, called: (weight: string) => string): Result | null {
  if (said === null) return null;
  const { parts, before, after } = account;
  const most = parts[0];
  const place = parts.findIndex((one) => one.weight === said);
  const result = (won: boolean, text: string): Result => ({ question: "weight", won, text });
  if (!most || most.part === 0) return result(false, "No weight did anything.");
  const did = `${called(most.weight)} did the most: ${signed(most.part, account)} of ${signed(after - before, account)}.`;
  if (place === 0) return result(true, `Yes: ${did}`);
  const own = place < 0 ? `${called(said)} is not among the ${count(parts.length)} that did most.` : `${called(said)} did ${signed(parts[place]!.part, account)}, in place ${place + 1}.`;
  return result(false, `No: ${did} ${own}`);
}

function size({ size: said }: Answers, account: Account): Result {
  const true_ = Math.abs(account.after - account.before);
  const share = Math.min(said, true_) / Math.max(said, true_) || (said === true_ ? 1 : 0);
  const near = SHARES.find(([least]) => share >= least)?.[1];
  const head = near ?? (said < true_ ? "It was more" : "It was less");
  const off = written(Math.abs(said - true_), account);
  const text = `${head}: you said ${written(said, account)}, it was ${written(true_, account)}. That is ${off} off.`;
  return { question: "size", won: near !== undefined, text };
}
