// Places along the lines for their numbers, so that no label lies on another one, on a unit, or on a foreign line.
import type { Point } from "./place";

export interface Line {
  from: Point;
  to: Point;
}

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const SHARES = Array.from({ length: 35 }, (_, i) => 0.16 + 0.02 * i);
const LIKED = 0.36; // a label belongs to where its line comes from, if there is no reason against it
const ROUNDS = 6;

export function placeLabels(lines: Line[], taken: Box[], size: { width: number; up: number; down: number }): Point[] {
  const shares = lines.map(() => LIKED);
  const boxOf = (i: number, share: number): Box => {
    const { x, y } = along(lines[i]!, share);
    return { left: x - size.width / 2, right: x + size.width / 2, top: y - size.up, bottom: y + size.down };
  };
  const cost = (i: number, share: number, placed: number[]): number => {
    const box = boxOf(i, share);
    let sum = 40 * Math.abs(share - LIKED);
    for (const k of placed) if (k !== i) sum += overlap(box, boxOf(k, shares[k]!));
    for (const other of taken) sum += 2 * overlap(box, other);
    lines.forEach((line, k) => {
      if (k !== i) sum += 2 * within(line, box);
    });
    return sum;
  };
  const every = lines.map((_, i) => i);
  for (let round = 0; round < ROUNDS; round++) {
    for (const i of every) {
      const placed = round === 0 ? every.slice(0, i) : every;
      const costs = SHARES.map((share) => cost(i, share, placed));
      shares[i] = SHARES[costs.indexOf(Math.min(...costs))]!;
    }
  }
  return lines.map((line, i) => along(line, shares[i]!));
}

export const along = ({ from, to }: Line, share: number): Point => ({
  x: from.x + share * (to.x - from.x),
  y: from.y + share * (to.y - from.y),
});

export function overlap(a: Box, b: Box): number {
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return wide > 0 && high > 0 ? wide * high : 0;
}

// How much of a line lies in a box.
export function within({ from, to }: Line, box: Box): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  let [start, stop] = [0, 1];
  const sides = [
    [-dx, from.x - box.left],
    [dx, box.right - from.x],
    [-dy, from.y - box.top],
    [dy, box.bottom - from.y],
  ] as const;
  for (const [pace, room] of sides) {
    if (pace === 0 && room < 0) return 0;
    if (pace < 0) start = Math.max(start, room / pace);
    if (pace > 0) stop = Math.min(stop, room / pace);
  }
  return stop > start ? (stop - start) * Math.hypot(dx, dy) : 0;
}
