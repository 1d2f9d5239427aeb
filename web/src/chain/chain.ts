// What the page makes of a chain: names, sentences, and the terms of an update. Every number in it was sent.
import type { Chain, Check, Link, Pulls, WeightTerm, WeightUpdate } from "../messages";
import { known, number, percent, say } from "../lib/words";

const bare = (name: string): string => name.replace(/\s/g, "");

// Spaces in names of weights do not matter.
export const same = (a: string, b: string): boolean => bare(a) === bare(b);

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
  const { kink, digits } = check;
  return {
    good: !kink && digits >= 4,
    short: say(kink ? "check.kink" : "check.agrees", { ...check }),
    long: kink
      ? "E has a corner at this very place. Backpropagation takes one of its two slopes."
      : "The weight was moved a little to both sides, and E computed again.",
  };
}

// What a factor says, as a sentence.
export function sentence(link: Link): string {
  const kind = `read.${link.kind.slice(link.kind.indexOf(".") + 1)}`;
  const chosen = [`${kind}.${link.value === 0 ? "0" : link.value < 0 ? "falls" : "rises"}`, kind].find(known);
  return say(chosen ?? "read.other", { ...link, size: Math.abs(link.value) });
}

export interface UpdateTerm {
  kind?: string; // of what stands between the old and the new weight
  before: string; // the sign that stands before it
  value: number;
  meaning: string;
}

const SIGNS = { minus: "−", times: "·", over: "/" } as const;
// The old weight, then each term as it comes, is the new one.
export function terms(update: WeightUpdate): UpdateTerm[] {
  const meaning = ({ kind }: WeightTerm): string =>
    `${kind === "rate" ? "rate " : ""}${say(`term.${kind}`)}${kind === "gradient" && update.clip !== 1 ? ", shortened" : ""}`;
  return [
    { before: "", value: update.before, meaning: "old weight" },
    ...update.terms.map((term) => ({ kind: term.kind, before: SIGNS[term.enters], value: term.value, meaning: meaning(term) })),
    { before: "=", value: update.after, meaning: "new weight" },
  ];
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
      plain("share of all pull", chain.blame),
      ...paths,
      ...(chain.rest_paths ? [plain(`the other ${chain.rest_paths} paths`, chain.rest)] : []),
      ...chain.by_row.map((one) => ["part of a row", one.row, chain.weight, "", one.part, null, null]),
      ...(chain.update ? [plain(chain.update.happened ? "update" : "would be", chain.update.after)] : []),
      plain("finite differences", chain.check.value),
      ...curve.w.map((w, i) => ["curve", null, chain.weight, "", w, curve.E[i] ?? null, curve.tangent[i] ?? null]),
    ],
  };
}

// The weights as they are ranked, as a table.
export function listed(pulls: Pulls | null): { head: string[]; rows: (string | number)[][] } {
  const rows = (pulls?.weights ?? []).map((one) => [one.weight, one.gradient, one.share]);
  return { head: ["weight", "∂E/∂w", "share of all pull"], rows };
}
