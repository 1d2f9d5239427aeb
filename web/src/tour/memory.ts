// What the browser remembers of the tour: whether it was offered, and the stop where it was left.

interface Memory {
  offered: boolean;
  stop: number; // 0: not begun, or over
}

const KEY = "backlit-tour";

export function recall(): Memory {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Memory>;
    const stop = Number.isInteger(kept.stop) ? Math.max(0, kept.stop!) : 0;
    return { offered: kept.offered === true, stop };
  } catch {
    return { offered: false, stop: 0 }; // nothing is kept here, or something else
  }
}

export function remember(what: Partial<Memory>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...recall(), ...what }));
  } catch {
    // a browser that keeps nothing offers the tour again
  }
}
