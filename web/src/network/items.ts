// What the keyboard can reach in the network, group by group: the units of a column, the weights between two.
import type { Layout } from "../messages";

export type Item = { kind: "unit"; column: number; unit: number } | { kind: "weight"; name: string };

export const idOf = (item: Item): string =>
  item.kind === "unit" ? `unit ${item.column} ${item.unit}` : `weight ${item.name}`;

export function groups(layout: Layout): Item[][] {
  const all = layout.columns.flatMap(({ units }, column): Item[][] => {
    const edges = layout.edges.filter((edge) => edge.layer === column).map((edge) => edge.weight);
    const biases = units.map((unit) => unit.bias).filter(Boolean);
    return [
      [...edges, ...biases].map((name) => ({ kind: "weight", name })),
      units.map((_, unit) => ({ kind: "unit", column, unit })),
    ];
  });
  return all.filter((group) => group.length);
}

// The next item, or the one before; with `far` the first of the next group, or of the one before.
export function beside(all: Item[][], at: string, by: 1 | -1, far: boolean): Item | undefined {
  const g = all.findIndex((group) => group.some((item) => idOf(item) === at));
  if (g < 0) return all[0]?.[0];
  if (far) return all[g + by]?.[0] ?? all[g]![by > 0 ? all[g]!.length - 1 : 0];
  const flat = all.flat();
  const i = flat.findIndex((item) => idOf(item) === at);
  return flat[Math.max(0, Math.min(flat.length - 1, i + by))];
}
