// What a stop speaks of is brought into the part of the window that neither the docked card nor the step bar covers.

export interface Span {
  top: number;
  bottom: number;
}

const EDGE = 8; // px, between what is shown and what is docked

// By how much to scroll so that all of them are seen, or else as many as there is room for, from the first on, and as
// much as can be of the next one.
export function scroll(spans: Span[], room: Span): number {
  const high = room.bottom - room.top - 2 * EDGE;
  if (!spans.length) return 0;
  let [all, ...others] = spans as [Span, ...Span[]];
  let next: Span | null = null;
  for (const one of others) {
    const more = { top: Math.min(all.top, one.top), bottom: Math.max(all.bottom, one.bottom) };
    if (more.bottom - more.top <= high) all = more;
    else next ??= one;
  }
  const [above, below] = [all.top - room.top - EDGE, all.bottom - room.bottom + EDGE];
  if (all.bottom - all.top > high) return above;
  if (next) return next.top < all.top ? below : above;
  if (above < 0) return above;
  return Math.max(0, below);
}
