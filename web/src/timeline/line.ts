// E along a step as a function of the learning rate: what is drawn of it, and what can be read off.
import type { Line } from "../messages";

// From a little below the lowest E up to where the step begins or ends; what rises higher leaves the picture.
export function range(line: Line): [number, number] {
  const high = Math.max(line.here, Number.isFinite(line.E_chosen) ? line.E_chosen : line.here);
  const low = Math.min(line.E_best, line.here);
  const span = high - low || Math.abs(high) || 1;
  return [low - 0.22 * span, high + 0.3 * span];
}

// How far along the rates it is drawn: past where it begins to hurt, as far as that is not too far.
export function reach(line: Line): number {
  const far = line.rate.at(-1) ?? 1;
  return Math.min(far, Math.max(1.5 * line.chosen, line.hurts === null ? far : 1.5 * line.hurts));
}

// Whether E still falls where the rates end: then the best of them is no bottom.
export const falls = (line: Line): boolean => line.best > 0 && line.best >= (line.rate.at(-1) ?? 0);

// A rate as one would type it.
export const tidy = (rate: number): number => Number(rate.toPrecision(3));
