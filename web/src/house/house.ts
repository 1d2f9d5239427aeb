// What a field holds, as text and back; and the scale that prices are shown on.
import type { Cell, Column, Feature, Moment, Row } from "../messages";

export type Control = "choice" | "number" | "date" | "text";

export function controlOf(column: Column | undefined, value: Cell): Control {
  if (column?.levels.length) return "choice";
  if (column?.kind === "number") return "number";
  if (column?.kind === "date" && (value === null || /^\d{4}-\d\d-\d\d$/.test(String(value)))) return "date";
  return "text";
}

// No more decimals than people write: 1180, not 1180.0000001.
export const asText = (value: Cell): string =>
  value === null ? "" : typeof value === "number" ? String(Number(value.toPrecision(9))) : String(value);

// What was typed, as the column takes it; undefined: it is no such value, and `why` says what is.
export function asCell(text: string, column: Column | undefined): { value?: Cell; why?: string } {
  const entry = text.trim();
  if (entry === "") return { value: null };
  if (column?.kind === "boolean") return { value: entry === "true" };
  if (column?.kind !== "number") return { value: column?.kind === "category" ? text : entry };
  const value = Number(entry.replace("−", "-"));
  return Number.isFinite(value) ? { value } : { why: `“${text}” is not a number.` };
}

// How far a slider moves at once: 1 where both ends are whole and far enough apart, about a 200th otherwise.
export function stepOf(low: number, high: number): number {
  const range = high - low;
  if (!(range > 0)) return 1;
  const rough = 10 ** Math.floor(Math.log10(range / 100));
  return Number.isInteger(low) && Number.isInteger(high) ? Math.max(1, rough) : rough;
}

export function matching(features: readonly Feature[], filter: string): readonly Feature[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return features.filter((one) => words.every((word) => one.column.toLowerCase().includes(word)));
}

const FAR = 20; // times the truth

// What the scale makes room for: the truth, and a prediction unless it ran away from it.
export const shownOn = (truth: number, prediction: number | null): number[] => [
  truth,
  ...(prediction !== null && Math.abs(prediction) <= FAR * (Math.abs(truth) || 1) ? [prediction] : []),
];

// From 0 (or less) to a round number beyond the greatest; never smaller than before, so that rows can be compared.
export function reach(values: readonly number[], before: readonly [number, number] = [0, 0]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [finite.map((value) => (value < 0 ? -round(-value) : 0)), finite.map(round)];
  return [Math.min(before[0], ...low), Math.max(before[1], ...high)];
}

const round = (value: number): number => {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 5, 7.5, 10, 20].find((one) => one * power >= value * 1.02)! * power;
};

// All numbers, as a table.
export function asTable(
  row: Row | null,
  moment: Moment | null,
  features: Record<string, Cell>,
  shown: { forward: boolean; error: boolean },
  classes: readonly string[] = [],
): { head: string[]; rows: (string | number | null)[][] } {
  const cell = (value: Cell | undefined) => (typeof value === "boolean" ? String(value) : (value ?? null));
  const texts = moment?.text;
  // A number, or one for each class or target.
  const outcome = (what: "prediction" | "truth" | "difference", known: boolean) => {
    const values = moment?.[what] ?? [];
    const text = known ? (texts?.[what] ?? "") : "";
    if (values.length < 2) return [[what, known ? (values[0] ?? null) : null, null, text]];
    const each = values.map((value, i) => [`${what}, ${classes[i] ?? i + 1}`, known ? value : null, null, ""]);
    return [[what, null, null, text], ...each];
  };
  return {
    head: ["what", "value", "changed to", "as text"],
    rows: [
      ...(moment?.of === "batch" ? [["rows", moment.n, null, ""]] : []),
      ...outcome("prediction", shown.forward),
      ...outcome("truth", true),
      ...outcome("difference", shown.error),
      ...(row && moment?.of === "row"
        ? row.features.map((one) => [one.column, cell(one.value), cell(features[one.column]), one.text])
        : []),
      ...(row && moment?.of === "row" ? row.others.map((one) => [one.column, cell(one.value), null, one.text]) : []),
    ],
  };
}
