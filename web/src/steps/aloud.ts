// What a step has done, as one sentence for those who listen.
import { gain, reading } from "../first/gauge";
import { say } from "../lib/words";
import type { Moment } from "../messages";

export interface About {
  house: string; // what a row is
  row: number; // the one that is looked at
  whose: string; // the rows of E
  steps: number; // planned, or made
  classes: readonly string[];
  unit: string;
  what: string; // of the weights at this step, if they are special
}

// `before`: what was last told; null where nothing was, or it was of others.
export function aloud(before: Moment | null, now: Moment, { classes, unit, ...about }: About): string {
  const [was, is] = [before && reading(before, classes, unit), reading(now, classes, unit)];
  const nearer = was && is ? gain(was.guess, is.guess, is.truth, is.unit ?? "").text : "";
  const guess = now.of === "row" ? [say("aloud.guess", { ...about, guess: now.text.prediction, gain: nearer })] : [];
  const way = !before || now.of === "batch" ? "is" : now.E < before.E ? "fell" : now.E > before.E ? "rose" : "stays";
  const error = say(`aloud.E.${way}`, { ...about, before: before?.E, after: now.E });
  return `${say("aloud.step", { ...about, step: now.step })}: ${[...guess, error].join("; ")}.`;
}

// Whether one can be compared with the other.
export const follows = (before: Moment | null, now: Moment): boolean =>
  before !== null &&
  before.run === now.run && before.timeline === now.timeline && before.of === now.of &&
  (now.of === "batch" || before.rows[0] === now.rows[0]);
