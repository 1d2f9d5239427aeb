// The weights that are drawn, with their numbers of the present moment, and which of them stand out.
import type { By } from "../lib/moment.svelte";
import type { Phase } from "../lib/phases";
import type { Layout, Moment } from "../messages";

export interface Weight {
  name: string;
  layer: number;
  unit: number; // its place among the drawn units of its layer
  source: number; // among those of the column before; -1 for a bias
  edge: number; // its place among the layout's edges; -1 for a bias
  single: boolean; // not several bins together
  w: number;
  dw: number;
  step: number;
}

export function edgeWeights(layout: Layout, drawn: Float32Array, edits: Record<string, number>): Weight[] {
  return layout.edges.map((edge, i) => ({
    name: edge.weight,
    layer: edge.layer,
    unit: edge.unit,
    source: edge.source,
    edge: i,
    single: edge.bins <= 1,
    w: edits[edge.weight] ?? drawn[3 * i] ?? NaN,
    dw: drawn[3 * i + 1] ?? NaN,
    step: drawn[3 * i + 2] ?? NaN,
  }));
}

export function biases(layout: Layout, moment: Moment | null, edits: Record<string, number>): Weight[] {
  return layout.columns.flatMap((column, c) => {
    const numbers = moment?.columns[c];
    return column.units.flatMap(({ bias }, unit) => {
      if (!bias) return [];
      const [dw, step] = [numbers?.dbias[unit] ?? NaN, numbers?.bias_step[unit] ?? NaN];
      const w = edits[bias] ?? numbers?.bias[unit] ?? NaN;
      return { name: bias, layer: column.layer, unit, source: -1, edge: -1, single: true, w, dw, step };
    });
  });
}

// What an edge is as thick as: its weight, its pull, or nothing, where its pull is not known yet.
export type Shown = By | "nothing";

// A layer's edges. In the backward phases those that the error has come back to are as thick as their pull.
export function shown(layer: number, by: By, phase: Phase | null, known: number): Shown {
  if (by === "weight" && phase?.kind !== "backward") return "weight";
  if (known <= layer) return "pull";
  return by === "pull" ? "nothing" : "weight";
}

// Each |value| as a share of the greatest.
export function shares(values: readonly number[]): number[] {
  const most = Math.max(...values.map(Math.abs), 1e-300);
  return values.map((value) => Math.abs(value) / most);
}

// Of each layer the greatest |w|, for the widths of lines.
export function greatest(weights: Weight[]): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const { layer, w } of weights) sizes.set(layer, Math.max(sizes.get(layer) ?? 0, Math.abs(w)));
  return sizes;
}

// The edges that are drawn in full, so many of each layer; the others are faded. For each weight: does it stand out?
export function strongest(weights: Weight[], by: By, each: number): boolean[] {
  const size = (weight: Weight) => Math.abs(by === "weight" ? weight.w : weight.dw);
  const ranked = new Map<number, Weight[]>();
  for (const weight of weights) ranked.set(weight.layer, [...(ranked.get(weight.layer) ?? []), weight]);
  const strong = new Set<Weight>();
  for (const layer of ranked.values()) {
    for (const weight of layer.sort((a, b) => size(b) - size(a)).slice(0, each)) strong.add(weight);
  }
  return weights.map((weight) => strong.has(weight));
}

// What a drag of so many pixels upwards makes of a weight, in steps that suit the sizes of its layer.
export function dragged(value: number, pixels: number, size: number): number {
  const reach = Math.max(size, 0.05);
  const unit = 10 ** Math.floor(Math.log10(reach / 50));
  return nudged(Math.round((value + (pixels / 120) * reach) / unit) * unit);
}

// Without the last digits that sums in binary bring.
export const nudged = (value: number): number => Number(value.toPrecision(10));
