// What a step changed, drawn so that it is seen: the edges that changed most, and their thickness more than it changed.
import type { Weight } from "../network/weights";

const SEEN = 0.6; // of the thickest edge of a layer: how far the greatest change goes, as it is drawn
const NAMED = 3;

export interface Change {
  times: number; // by how much the changes are drawn larger than they are
  drawn: Weight[]; // with these weights
  share: Map<string, number>; // of each weight its change, as a share of the greatest
  most: { name: string; by: number }[]; // the greatest
}

export function change(old: Weight[], fresh: Weight[], greatest: Map<number, number>): Change {
  const by = fresh.map(({ w }, i) => w - (old[i]?.w ?? w));
  const shares = fresh.map(({ layer }, i) => Math.abs(by[i]!) / (greatest.get(layer) || 1));
  const most = Math.max(...shares, 1e-30);
  const times = round(SEEN / most);
  const order = fresh.map((_, i) => i).filter((i) => by[i] !== 0).sort((a, b) => shares[b]! - shares[a]!);
  return {
    times,
    drawn: fresh.map((weight, i) => ({ ...weight, w: weight.w + (times - 1) * by[i]! })),
    share: new Map(fresh.map(({ name }, i) => [name, shares[i]! / most])),
    most: order.slice(0, NAMED).map((i) => ({ name: fresh[i]!.name, by: by[i]! })),
  };
}

// The greatest of 1, 2, 5, 10, 20, 50 … 1000 that is not above it.
export function round(times: number): number {
  const all = [1, 10, 100].flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  return [...all, 1000].findLast((one) => one <= times) ?? 1;
}
