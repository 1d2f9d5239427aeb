// A step's account as a waterfall: from the old guess to the new one, a bar for each weight.
import { goalName, sourceName } from "../network/aloud";
import { biases, edgeWeights } from "../network/weights";
import { number } from "../lib/words";
import type { Account, Layout } from "../messages";

export interface Bar {
  weight: string; // "": several together
  count: number; // of weights
  part: number;
  from: number;
  to: number;
}

// The `most` greatest bars, and the rest as one; all of them where there is nothing to gather.
export function waterfall(account: Account, most: number): Bar[] {
  const listed = account.parts.length + account.rest_weights <= most + 1 ? account.parts : account.parts.slice(0, most);
  const gathered = account.parts.slice(listed.length);
  const parts = listed.map(({ weight, part }) => ({ weight, count: 1, part }));
  const count = gathered.length + account.rest_weights;
  const rest = gathered.reduce((sum, { part }) => sum + part, account.rest);
  if (count > 0) parts.push({ weight: "", count, part: rest });
  let at = account.before;
  return parts.map((one) => ({ ...one, from: at, to: (at += one.part) }));
}

// Where a bar lies between the least and the greatest that the waterfall comes by, in percent.
export function placed(bars: readonly Bar[], account: Account): { left: number; width: number; of: Bar }[] {
  const ends = [account.before, account.after, ...bars.map((bar) => bar.to)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const share = (value: number) => (100 * (value - low)) / (high - low || 1);
  return bars.map((of) => {
    const [left, right] = [share(Math.min(of.from, of.to)), share(Math.max(of.from, of.to))];
    return { of, left, width: right - left };
  });
}

// Where each drawn weight leads: "grade → unit 2", "1 → price".
export function ways(layout: Layout): Map<string, string> {
  const one = layout.columns.length === 3;
  const short = (name: string) => (one ? name.replace(/ of layer \d+$/, "") : name);
  const all = [...edgeWeights(layout, new Float32Array(), {}), ...biases(layout, null, {})];
  return new Map(
    all.map((weight) => {
      const from = weight.source < 0 ? "1" : short(sourceName(layout, weight));
      return [weight.name, `${from} → ${short(goalName(layout, weight))}`];
    }),
  );
}

// In money nobody reads less than a cent.
export const residual = ({ residual, unit }: Account): string =>
  unit === "$" && Math.abs(residual) < 0.005 ? "less than a cent" : number(residual, 2, unit);
