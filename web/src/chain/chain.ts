// What the page makes of a chain: names, sentences, and the terms of an update. Every number in it was sent.
import type { Chain, Check, Edge, WeightUpdate } from "../messages";
import { count, number, percent } from "../lib/words";

const bare = (name: string): string => name.replace(/\s/g, "");

// Spaces in names of weights do not matter.
export const same = (a: string, b: string): boolean => bare(a) === bare(b);

export const layerOf = (weight: string): number => Number(/^\p{L}+(\d+)/u.exec(weight)?.[1] ?? 1);

// The edge with the greatest |∂E/∂w|; `drawn` has three numbers for each: w, ∂E/∂w, the step.
export function mostToBlame(edges: readonly Edge[], drawn: ArrayLike<number>): string | null {
  let found: string | null = null;
  let greatest = 0;
  edges.forEach((edge, i) => {
    const size = Math.abs(drawn[3 * i + 1] ?? 0);
    if (size > greatest) [found, greatest] = [edge.weight, size];
  });
  return found;
}

export function editOf(weights: Record<string, number>, weight: string): number | null {
  return Object.entries(weights).find(([name]) => same(name, weight))?.[1] ?? null;
}

export function without(weights: Record<string, number>, weight: string): Record<string, number> {
  return Object.fromEntries(Object.entries(weights).filter(([name]) => !same(name, weight)));
}

// A share that may be very small, in percent.
export function share(part: number): string {
  if (part === 0) return "0%";
  return part >= 0.01 ? percent(part) : `${number(100 * part, 2)}%`;
}

export function checked(check: Check): { good: boolean; short: string; long: string } {
  if (check.kink) {
    return {
      good: false,
      short: "A kink: finite differences cannot check here",
      long:
        `E has a corner at this very place: its slope is ${number(check.left)} on the left and ` +
        `${number(check.right)} on the right. Backpropagation takes one of the two.`,
    };
  }
  const digits = count(check.digits, "digit");
  return {
    good: check.digits >= 4,
    short: check.digits >= 4 ? `checked: agrees to ${digits} with finite differences` : `agrees to only ${digits}`,
    long: `The weight was moved a little to both sides, and E computed again: that gives ${number(check.value, 10)}.`,
  };
}

// How far training's own arithmetic agrees with what is shown; `difference` is relative.
export function agreement(difference: number): string {
  const digits = difference > 0 ? Math.floor(-Math.log10(difference)) : 7;
  if (digits < 1) return `Training, in 32-bit arithmetic, differs from this by ${percent(difference)}.`;
  return `Training, in 32-bit arithmetic, agrees with this to ${count(digits, "digit")}.`;
}

export interface Term {
  before: string; // the sign that stands before it
  value: number;
  meaning: string;
}

const SIGNS = { minus: "−", times: "·", over: "/" } as const;
const MEANINGS: Record<string, string> = { rate: "rate α", gradient: "∂E/∂w", averaged: "average" };

const ofKind = (update: WeightUpdate, kind: string): number | undefined =>
  update.terms.find((term) => term.kind === kind)?.value;

// The old weight, then each term as it comes, is the new one. A kind without a meaning here is called by its name.
export function terms(update: WeightUpdate): Term[] {
  const meaning = (kind: string): string =>
    `${MEANINGS[kind] ?? kind}${kind === "gradient" && update.clip !== 1 ? ", shortened" : ""}`;
  return [
    { before: "", value: update.before, meaning: "old weight" },
    ...update.terms.map((term) => ({ before: SIGNS[term.enters], value: term.value, meaning: meaning(term.kind) })),
    { before: "=", value: update.after, meaning: "new weight" },
  ];
}

// Why the weight goes where it goes.
export function reasons(update: WeightUpdate, gradient: number): string[] {
  const moved = update.after - update.before;
  const goes = moved > 0 ? "raises" : "lowers";
  const lines: string[] = [];
  if (gradient === 0) {
    lines.push("A little more or less of this weight changes nothing: no blame comes back to it.");
    if (moved !== 0) lines.push(`The step still ${goes} it: it depends on more than this ∂E/∂w.`);
  } else {
    const way = gradient > 0 ? "raises" : "lowers";
    if (ofKind(update, "rate") === 0) lines.push("The rate is 0 at this step, so the weights do not move.");
    else if (moved === 0) lines.push(`More of this weight ${way} E, but the step is too small to change it.`);
    else if (moved > 0 === gradient < 0) lines.push(`More of this weight ${way} E, so the step ${goes} it.`);
    else lines.push(`More of this weight ${way} E. Still the step ${goes} it: it depends on more than this ∂E/∂w.`);
  }
  if (update.clip !== 1) lines.push(`The gradient was too long; it is shortened to ${share(update.clip)} of itself.`);
  const average = ofKind(update, "averaged");
  if (average !== undefined && Math.abs(average - gradient * update.clip) > 1e-6 * Math.abs(gradient))
    lines.push("The average is of this ∂E/∂w and earlier ones.");
  return lines;
}

// All numbers, as a table: each factor of each path, then the curve.
export function asTable(chain: Chain | null): { head: string[]; rows: (string | number | null)[][] } {
  const head = ["what", "row", "symbol", "meaning", "value", "E", "tangent"];
  if (!chain) return { head, rows: [] };
  const { curve } = chain;
  const plain = (what: string, value: number) => [what, null, chain.weight, "", value, null, null];
  const paths = chain.paths.flatMap((path, i) => [
    ...path.factors.map((one) => [`path ${i + 1}`, path.row, one.symbol, one.meaning, one.value, null, null]),
    [`path ${i + 1}`, path.row, "product", "", path.product, null, null],
  ]);
  return {
    head,
    rows: [
      plain("weight", chain.value),
      plain("∂E/∂w", chain.gradient),
      plain("blame", chain.blame),
      ...paths,
      ...(chain.rest_paths ? [plain(`the other ${chain.rest_paths} paths`, chain.rest)] : []),
      ...chain.by_row.map((one) => ["part of a row", one.row, chain.weight, "", one.part, null, null]),
      ...(chain.update ? [plain(chain.update.happened ? "update" : "would be", chain.update.after)] : []),
      plain("finite differences", chain.check.value),
      ...curve.w.map((w, i) => ["curve", null, chain.weight, "", w, curve.E[i] ?? null, curve.tangent[i] ?? null]),
    ],
  };
}
