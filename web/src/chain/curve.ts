// Reading a curve that was computed at some places.
import { bisectRight } from "d3-array";

// The value at x, on the straight line between the two points beside it; null where one of them is not finite.
export function read(xs: readonly number[], ys: readonly number[], x: number): number | null {
  const last = xs.length - 1;
  if (last < 1) return null;
  const right = Math.min(Math.max(bisectRight(xs, x), 1), last);
  const [x0, x1, y0, y1] = [xs[right - 1]!, xs[right]!, ys[right - 1], ys[right]];
  if (!Number.isFinite(y0) || !Number.isFinite(y1)) return null;
  return y0! + ((y1! - y0!) * (x - x0)) / (x1 - x0);
}

// Least and greatest of the finite values, with some room; never empty.
export function extent(values: readonly (number | null)[], room = 0.06): [number, number] {
  const finite = values.filter((value): value is number => Number.isFinite(value));
  if (!finite.length) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const spare = (high - low || Math.abs(high) || 1) * room;
  return [low - spare, high + spare];
}

// A value as a hand would set it: no more decimals than a thousandth of the range asks for.
export function tidy(value: number, low: number, high: number): number {
  const decimals = Math.min(Math.max(3 - Math.floor(Math.log10(high - low)), 0), 12);
  return Number(Math.min(Math.max(value, low), high).toFixed(decimals));
}

// Where a key takes the slider; null: the key is not the slider's. A tenth of a tick, or a tick with Shift.
export function keyed(key: string, shift: boolean, value: number, low: number, high: number): number | null {
  const step = ((high - low) / 200) * (shift ? 10 : 1);
  const places: Record<string, number> = {
    ArrowLeft: value - step,
    ArrowDown: value - step,
    ArrowRight: value + step,
    ArrowUp: value + step,
    PageDown: value - 20 * step,
    PageUp: value + 20 * step,
    Home: low,
    End: high,
  };
  const to = places[key];
  return to === undefined ? null : tidy(to, low, high);
}

// Whether two values are the same but for the digits that single precision drops.
export const near = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-6 * Math.max(1e-6, Math.abs(a), Math.abs(b));
