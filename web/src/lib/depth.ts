// How much the page shows: a picture for whoever is new here, numbers as they are needed, or everything at once.
import type { Place } from "./address";
import { keep, kept } from "./kept";
import type { Studio } from "./studio.svelte";

export const DEPTHS = ["picture", "numbers", "everything"] as const;
export type Depth = (typeof DEPTHS)[number];

export const isDepth = (text: string | null): text is Depth => (DEPTHS as readonly string[]).includes(text ?? "");

export const VIEWS = ["first", "steps", "network", "timeline", "house", "chain"];

const always = () => true;
const never = () => false;

// What each depth shows, and when.
export const SHOWS: Record<string, Record<Depth, (studio: Studio) => boolean>> = {
  first: { picture: always, numbers: always, everything: never },
  network: { picture: never, numbers: always, everything: always },
  steps: { picture: never, numbers: ({ moment }) => moment.last > 0, everything: always },
  chain: { picture: never, numbers: ({ moment }) => moment.weight !== null, everything: always },
  timeline: { picture: never, numbers: ({ moment }) => moment.last > 1, everything: always },
  house: { picture: never, numbers: never, everything: always },
  tabs: { picture: never, numbers: never, everything: always },
  tour: { picture: always, numbers: always, everything: always },
};

const KEY = "depth";

export const remember = (depth: Depth): void => keep(KEY, depth);

function remembered(): Depth | null {
  const depth = kept(KEY);
  return isDepth(depth) ? depth : null;
}

// An address may say how deep; one that names a step or a weight, and no depth, is of somebody who sees everything.
export function depthAt(place: Place): Depth {
  const { depth, timeline, step, phase, row, weight, tour } = place;
  if (depth) return depth;
  const named = tour === undefined && [timeline, step, phase, row, weight].some((one) => one !== undefined);
  return named ? "everything" : (remembered() ?? "picture");
}
