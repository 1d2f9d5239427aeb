// Where contours carry their numbers: on the diagonal of the picture, as far as there is room.
import type { Contour } from "../messages";

export interface Label {
  level: number;
  x: number;
  y: number;
}

const APART = { x: 44, y: 15 };
const RIM = { x: 24, y: 10 };

export function labels(
  contours: readonly Contour[],
  x: (value: number) => number,
  y: (value: number) => number,
  box: { left: number; top: number; w: number; h: number },
  taken: readonly { x: number; y: number }[] = [],
): Label[] {
  const found: Label[] = [];
  for (const { level, lines } of contours) {
    let best: { x: number; y: number; cost: number } | null = null;
    for (let k = 0; k < lines.length; k += 4) {
      const place = { x: (x(lines[k]!) + x(lines[k + 2]!)) / 2, y: (y(lines[k + 1]!) + y(lines[k + 3]!)) / 2 };
      const [u, v] = [(place.x - box.left) / box.w, (place.y - box.top) / box.h];
      const near = Math.min(u * box.w, (1 - u) * box.w) > RIM.x && Math.min(v * box.h, (1 - v) * box.h) > RIM.y;
      const free = [...found, ...taken].every((one) => Math.abs(one.x - place.x) > APART.x || Math.abs(one.y - place.y) > APART.y);
      const cost = Math.abs(u - (1 - v));
      if (near && free && (!best || cost < best.cost)) best = { ...place, cost };
    }
    if (best) found.push({ level, x: best.x, y: best.y });
  }
  return found;
}
