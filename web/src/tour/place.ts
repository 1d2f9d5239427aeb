// Where the card stands: beside what it talks about, and never over it if that can be helped.

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Place {
  left: number;
  top: number;
  clear: boolean; // whether nothing is covered that should not be
}

const GAP = 14;
const EDGE = 10; // from the window's edges

export const bottom = (box: Box): number => box.top + box.height;
export const right = (box: Box): number => box.left + box.width;

// Of how many square pixels two boxes have in common.
export function common(a: Box, b: Box): number {
  const wide = Math.min(right(a), right(b)) - Math.max(a.left, b.left);
  const high = Math.min(bottom(a), bottom(b)) - Math.max(a.top, b.top);
  return Math.max(0, wide) * Math.max(0, high);
}

// `about`: what must stay free; `also`: what should. Among the places that do as well, the nearest one wins.
export function place(about: Box, also: Box[], card: Box, window: Box): Place {
  const inside = (low: number, high: number, value: number) => Math.max(low, Math.min(high, value));
  const lowest = bottom(window) - card.height - EDGE;
  const rightmost = right(window) - card.width - EDGE;
  const xs = [about.left - card.width - GAP, about.left, right(about) - card.width, right(about) + GAP];
  const ys = [about.top - card.height - GAP, about.top, bottom(about) - card.height, bottom(about) + GAP];
  const places = [...xs, EDGE, rightmost].flatMap((x) =>
    [...ys, EDGE, lowest].map((y) => ({
      ...card,
      left: Math.round(inside(EDGE, Math.max(EDGE, rightmost), x)),
      top: Math.round(inside(EDGE, Math.max(EDGE, lowest), y)),
    })),
  );
  const cost = (box: Box) => {
    const covered = 1000 * common(box, about) + 10 * also.reduce((sum, one) => sum + common(box, one), 0);
    return covered + Math.hypot(centre(box).x - centre(about).x, centre(box).y - centre(about).y);
  };
  const best = places.reduce((least, one) => (cost(one) < cost(least) ? one : least));
  return { left: best.left, top: best.top, clear: common(best, about) === 0 };
}

const centre = (box: Box) => ({ x: box.left + box.width / 2, y: box.top + box.height / 2 });

// By how much to scroll so that it can be seen, and the card beside it: no more than that needs. `part`: of what it is
// about, what has to be seen most of all.
export function scroll(about: Box, also: Box[], card: Box, window: Box, part = about): number {
  const [top, end] = [about.top, bottom(about) - bottom(window)];
  const shifts = [0, top - EDGE, end + EDGE, top - card.height - GAP - EDGE, end + card.height + GAP + EDGE];
  shifts.push(part.top - EDGE, bottom(part) - bottom(window) + EDGE, ...also.map((box) => box.top - EDGE));
  const cost = (by: number) => {
    const shifted = (box: Box) => ({ ...box, top: box.top - by });
    const hidden = (box: Box) => {
      const most = box.width * Math.min(box.height, window.height);
      return 1 - Math.min(1, common(shifted(box), window) / most);
    };
    const spot = place(shifted(about), also.map(shifted), card, window);
    const rest = hidden(about) + also.reduce((sum, box) => sum + hidden(box), 0);
    return 1e5 * hidden(part) + (spot.clear ? 0 : 1e4) + 1e4 * rest + Math.abs(by);
  };
  return shifts.reduce((least, by) => (cost(by) < cost(least) ? by : least));
}
