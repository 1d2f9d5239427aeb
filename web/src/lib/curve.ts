// A curve that was computed at some places: drawn, read between them, and moved along.

type Numbers = readonly (number | null)[];
type Scale = (value: number) => number;

export const known = (value: number | null | undefined): value is number => Number.isFinite(value);

// The last place of a rising list whose entry is not greater than `value`; −1 where there is none.
export function before(list: readonly number[], value: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// The value at x, on the straight line between the two points beside it; null where one of them is not finite.
export function between(xs: readonly number[], ys: Numbers, x: number): number | null {
  const left = Math.max(0, Math.min(before(xs, x), xs.length - 2));
  const [x0, x1, y0, y1] = [xs[left], xs[left + 1], ys[left], ys[left + 1]];
  if (!known(x0) || !known(y0)) return null;
  if (!known(x1) || x === x0) return y0;
  return known(y1) ? y0 + ((y1 - y0) * (x - x0)) / (x1 - x0) : null;
}

// A path through what is known, broken where a value is missing or not finite.
export function path(xs: readonly number[], ys: Numbers, x: Scale, y: Scale, from = -Infinity): string {
  let [drawn, down] = ["", false];
  for (let i = 0; i < xs.length; i++) {
    const [at, value] = [xs[i]!, ys[i]];
    if (at < from) continue;
    const place = known(value) ? y(value) : NaN;
    if (!Number.isFinite(place)) {
      down = false;
      continue;
    }
    // far out of the picture is as good as just out of it, and drawn faster
    drawn += `${down ? "L" : "M"}${x(at).toFixed(1)} ${Math.max(-500, Math.min(5000, place)).toFixed(1)}`;
    down = true;
  }
  return drawn;
}

// Least and greatest of the finite values, with some room; never empty.
export function extent(values: Numbers, room = 0.06): [number, number] {
  const finite = values.filter(known);
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

// Where a key takes a slider; null: the key is not the slider's. Arrows go a 200th of the way, with Shift a 20th.
export function keyed({ key, shiftKey }: KeyboardEvent, value: number, low: number, high: number): number | null {
  const step = ((high - low) / 200) * (shiftKey ? 10 : 1);
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
