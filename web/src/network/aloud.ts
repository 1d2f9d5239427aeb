// Units and weights in words, for tooltips and for those who listen.
import { capital, number, signed } from "../lib/words";
import type { DrawnColumn, DrawnUnit, Layout, UnitNumbers } from "../messages";
import { studio } from "../lib/studio.svelte";
import type { Weight } from "./weights";

export function unitName(column: DrawnColumn, unit: DrawnUnit): string {
  return column.kind === "hidden" ? `unit ${unit.number} of layer ${column.layer}` : unit.label;
}

export function sourceName(layout: Layout, weight: Weight): string {
  const column = layout.columns[weight.layer - 1];
  const unit = column?.units[weight.source];
  return column && unit ? unitName(column, unit) : "the bias";
}

export function goalName(layout: Layout, weight: Weight): string {
  const column = layout.columns[weight.layer]!;
  return unitName(column, column.units[weight.unit]!);
}

export function weightAloud(layout: Layout, weight: Weight, still: boolean): string {
  const way = `${studio.names.of(weight.name)}, from ${sourceName(layout, weight)} to ${goalName(layout, weight)}`;
  if (!still) return `Weight ${way}`;
  const many = weight.single ? "" : ", its bins together";
  const numbers = `${number(weight.w)}; ∂E/∂w ${number(weight.dw, 3)}; the update adds ${signed(weight.step, 3)}`;
  return `Weight ${way}${many}: ${numbers}`;
}

export function unitAloud(column: DrawnColumn, k: number, numbers: UnitNumbers | undefined, still: boolean): string {
  const unit = column.units[k]!;
  const name = unitName(column, unit);
  const title = column.kind === "input" ? `Input ${name}` : capital(name);
  const bins = unit.bins > 1 ? `, ${unit.bins} bins` : "";
  if (!still || !numbers) return title + bins;
  const { a, z, dz } = numbers;
  if (column.kind === "input") return `${title}${bins}: ${number(a[k])}`;
  const output = column.out === column.sum ? "" : `, ${column.out} ${number(a[k])}`;
  return `${title}: ${column.sum} ${number(z[k])}${output}, ∂E/∂${column.sum} ${number(dz[k], 3)}`;
}

export function heading(column: DrawnColumn): string {
  if (column.kind === "input") return column.count === 1 ? "input" : "inputs";
  const shape = column.activation && column.activation !== "identity" ? ` · ${column.activation}` : "";
  return column.kind === "output" ? `output${shape}` : `layer ${column.layer}${shape}`;
}

export function subtitle(column: DrawnColumn): string {
  if (column.kind === "output") return column.units.length === 1 ? column.units[0]!.label : "";
  return column.count > column.units.length ? `${column.units.length} of ${column.count}` : "";
}
