// E along a step as a function of the learning rate: what is drawn of it, and what can be read off.
import type { Line } from "../messages";
import { before } from "./curves";

// E between two of the computed rates, as the drawn line has it; null where it is not finite.
export function along(line: Line, rate: number): number | null {
  const i = Math.max(0, Math.min(before(line.rate, rate), line.rate.length - 2));
  const [x0, x1, y0, y1] = [line.rate[i], line.rate[i + 1], line.E[i], line.E[i + 1]] as (number | null | undefined)[];
  if (x0 == null || y0 == null) return null;
  if (x1 == null || x1 === x0 || rate <= x0) return y0;
  return y1 == null ? null : y0 + ((y1 - y0) * (rate - x0)) / (x1 - x0);
}

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

// A rate as one would type it.
export const tidy = (rate: number): number => Number(rate.toPrecision(3));
