// The picture has no numbers: what is looked at in it, in words.
import type { Item } from "../network/items";
import type { Weight } from "../network/weights";
import { number } from "../lib/words";
import type { Layout, Moment } from "../messages";
import { ways } from "./account";

export function says(layout: Layout, moment: Moment, texts: string[], item: Item, weight: Weight | undefined): string {
  if (item.kind === "weight") {
    if (!weight) return "";
    const way = `${ways(layout).get(weight.name) ?? weight.name}: weight ${number(weight.w, 3)}`;
    return `${way}; ${weight.w > 0 ? "blue: more out" : weight.w < 0 ? "orange: less out" : "it passes nothing on"}`;
  }
  const column = layout.columns[item.column]!;
  const unit = column.units[item.unit]!;
  const on = number(moment.columns[item.column]?.a[item.unit], 3);
  if (column.kind === "input") return `${unit.label}: ${texts[item.unit]}; it goes in as ${on}`;
  if (column.kind === "output") return `${unit.label}: what comes out, ${moment.text.prediction}`;
  const layers = layout.columns.length > 3 ? ` of layer ${column.layer}` : "";
  return `unit ${unit.number}${layers} adds up what comes in, each times its weight, and hands on ${on}`;
}
