// What the browser remembers of the tour: the stop where it was left; 0: it was not begun, or is over.
import { keep, kept } from "../lib/kept";

const KEY = "tour";

export function recall(): number {
  const stop = Number(kept(KEY) ?? "");
  return Number.isInteger(stop) ? Math.max(0, stop) : 0;
}

export const remember = (stop: number): void => keep(KEY, String(stop));
