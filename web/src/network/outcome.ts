// How far the bar of the difference reaches to each side: a power of 2, so that it rarely changes while the
// difference does.
export function reach(difference: number): number {
  if (!(difference > 0) || !Number.isFinite(difference)) return 1;
  return 2 ** Math.ceil(Math.log2(difference * 1.05));
}
