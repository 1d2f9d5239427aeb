// Where in the drawn network the factors of a chain are, by the numbers that Python sends with them.
import type { Layout, Link, Path, Paths } from "../messages";

export interface Spot {
  column: number; // of the layout
  unit: number; // its place among the column's drawn units
}

// What of the drawing a factor is about: edges by their place among the layout's, and units.
export interface Place {
  edges: number[];
  units: Spot[];
}

const OF_UNIT = /^link\.(score|slope|mask|norm)$/; // it is about a unit, not about a weight

type Numbers = Pick<Link, "layer" | "unit" | "source">;

function unitsOf(layout: Layout, layer: number, number: number): Spot[] {
  const column = layout.columns.findIndex((one) => one.layer === layer);
  const units = layout.columns[column]?.units ?? [];
  return units.flatMap((one, unit) => (one.number === number ? [{ column, unit }] : []));
}

// The drawn edge between two; of the bins of an input that are drawn one by one, the one with that name, or else all.
function edgesOf(layout: Layout, { layer, unit, source }: Numbers, name: string): number[] {
  const all = layout.edges.flatMap((edge, i) => {
    const ends = [layout.columns[layer]?.units[edge.unit]?.number, layout.columns[layer - 1]?.units[edge.source]?.number];
    return edge.layer === layer && ends[0] === unit && ends[1] === source ? [i] : [];
  });
  const own = all.filter((i) => layout.edges[i]!.weight === name);
  return own.length ? own : all;
}

// `name`: of the weight that the chain leads to.
export function placeOf(link: Link, layout: Layout, name: string): Place {
  const [{ kind, layer, unit, source }, edges] = [link, edgesOf(layout, link, name)];
  const goals = unitsOf(layout, layer, unit);
  if (OF_UNIT.test(kind) || !source) return { edges: [], units: goals };
  return { edges, units: kind === "link.input" ? unitsOf(layout, layer - 1, source) : [] };
}

// All that a path passes, and the weight at its end.
export function along(path: Path, end: Numbers, layout: Layout, name: string): Place {
  const ends = unitsOf(layout, end.layer, end.unit);
  const places = path.factors.map((factor) => placeOf(factor, layout, name));
  const passed = path.factors.flatMap((one) => unitsOf(layout, one.layer, one.unit));
  return {
    edges: [...places.flatMap((one) => one.edges), ...edgesOf(layout, end, name)],
    units: [...places.flatMap((one) => one.units), ...passed, ...ends],
  };
}

export interface Lit {
  more: Set<number>; // columns of units that are not drawn
  edges: Map<number, number>; // how strong the strongest path through it is, as a share of the strongest of all
  units: Map<string, { spot: Spot; share: number }>;
}

export const keyOf = ({ column, unit }: Spot): string => `${column} ${unit}`;

// What lights up of some paths.
export function lit(paths: Paths, layout: Layout): Lit {
  const most = Math.max(...paths.paths.map((path) => Math.abs(path.product)), 1e-300);
  const all: Lit = { more: new Set(), edges: new Map(), units: new Map() };
  for (const path of paths.paths) {
    const share = Math.abs(path.product) / most;
    const place = along(path, paths, layout, paths.weight);
    for (const { layer, unit } of path.factors) if (!unitsOf(layout, layer, unit).length) all.more.add(layer);
    for (const edge of place.edges) all.edges.set(edge, Math.max(share, all.edges.get(edge) ?? 0));
    for (const spot of place.units) {
      const key = keyOf(spot);
      all.units.set(key, { spot, share: Math.max(share, all.units.get(key)?.share ?? 0) });
    }
  }
  return all;
}
