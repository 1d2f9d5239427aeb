// The small maps of the units that are drawn: of a large network asked for after the moment's numbers, so that they never
// hold up a step; otherwise with them, so that all is drawn at once.
import { answer } from "../lib/answer.svelte";
import { studio } from "../lib/studio.svelte";
import type { Axes, Layout } from "../messages";
import { over } from "./axes.svelte";
import { greatest } from "./colours";

const PAUSE = 200; // ms between two questions of a large network, while it trains

export interface UnitMap {
  values: Float32Array;
  wide: number; // points of x
  flat: boolean; // a curve over one column
  middle: number;
  reach: number;
}

export interface DrawnMaps {
  axes: Axes;
  columns: UnitMap[][]; // by column of the layout; the inputs have none
}

// To be called while a component is set up.
export function unitMaps(seen: () => boolean) {
  over.follow(seen);
  const points = $derived(studio.known.large ? 16 : 24);
  const key = $derived.by(() => {
    const { numbers, layout } = studio.drawing;
    const { query } = studio.moment;
    if (!seen() || !numbers || !layout || !over.axes?.x || numbers.run !== query.run) return "";
    const { timeline, step } = studio.known.large ? numbers : query;
    return JSON.stringify({ ...query, timeline, step, ...over.chosen, layout: layout.id, points });
  });
  const answered = answer(
    "maps",
    () => (key ? JSON.parse(key) : null),
    () => (studio.training.plays && studio.known.large ? PAUSE : 0),
  );
  const drawn = $derived.by((): DrawnMaps | null => {
    const { layout } = studio.drawing;
    if (!answered.value || !layout || !over.axes?.x) return null;
    return split(new Float32Array(answered.value), layout, over.axes, points);
  });
  return {
    get drawn() {
      return drawn;
    },
  };
}

// Maps of a layer share their colours, so that the units that say most are seen; those of the output have the target's.
export function split(all: Float32Array, layout: Layout, axes: Axes, points: number): DrawnMaps | null {
  const size = axes.y ? points * points : points;
  const units = layout.columns.slice(1).reduce((sum, column) => sum + column.units.length, 0);
  if (all.length !== units * size) return null; // of another layout
  let at = 0;
  const columns = layout.columns.map((column) => {
    if (column.kind === "input") return [];
    const own = column.units.map(() => all.subarray(at, (at += size)));
    const output = column.kind === "output";
    const middle = output ? axes.middle : 0;
    const reach = output ? axes.reach : Math.max(...own.map(greatest), 1e-9);
    return own.map((values): UnitMap => ({ values, wide: points, flat: !axes.y, middle, reach }));
  });
  return { axes, columns };
}
