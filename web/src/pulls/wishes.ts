// The picture of the wishes: an arrow for each row, from the one that lowers the weight most to the one that raises it most.
import type { Wishes } from "../messages";

const [TALL, THICKEST] = [168, 9]; // px, of all arrows together, and of the room of each

// How far the axis goes, always past 0; and the room of each arrow.
export function fan({ wishes, wish }: Wishes) {
  const all = [...wishes, wish, 0];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const pitch = Math.min(THICKEST, TALL / wishes.length);
  const room = 0.04 * (high - low) || 1;
  return { reach: [low - room, high + room], pitch, height: pitch * wishes.length, thick: Math.max(0.8, 0.55 * pitch) };
}

// A line with a head, where there is room for one.
export function arrow(from: number, to: number, y: number, room: number): string {
  const line = `M${from.toFixed(1)},${y.toFixed(1)}H${to.toFixed(1)}`;
  const size = Math.min(room / 2, 7, Math.abs(to - from));
  if (room < 5 || size < 1) return line;
  const back = to - Math.sign(to - from) * size;
  const head = (by: number) => `${back.toFixed(1)},${(y + by).toFixed(1)}`;
  return `${line}M${head(-size)}L${to.toFixed(1)},${y.toFixed(1)}L${head(size)}`;
}
