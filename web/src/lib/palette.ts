// What colours mean. Blue: 0 or more; orange: less than 0. Ink: what flows forward; violet: what flows back.
// Both pairs can be told apart by the colour-blind; width, place and sign say the same again.

export const stroke = (value: number): string => (value < 0 ? "var(--negative)" : "var(--positive)");
export const ink = (value: number): string => (value < 0 ? "var(--negative-ink)" : "var(--positive-ink)");

// Of timelines: the present one is drawn in ink, the others in these, in the order in which they were begun.
const TIMELINES = ["#0f8a7e", "#c2578f", "#7d7a1c", "#5b6fd6", "#a8642a", "#3f8c4f"];
const TIMELINES_DARK = ["#4fc7ba", "#ee93c2", "#cbc75f", "#9fb0ff", "#e0a873", "#86d096"];
export function timelineColour(place: number): string {
  const i = place % TIMELINES.length;
  return `light-dark(${TIMELINES[i]}, ${TIMELINES_DARK[i]})`;
}

// Width of an edge: |w| as a share of the greatest in its matrix.
export function width(value: number, greatest: number, most = 6): number {
  return Math.max(0.6, (most * Math.abs(value)) / (greatest || 1));
}
