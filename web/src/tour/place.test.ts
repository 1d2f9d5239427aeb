import { describe, expect, it } from "vitest";
import { common, place, scroll, type Box } from "./place";

const box = (left: number, top: number, width: number, height: number): Box => ({ left, top, width, height });
const window = box(0, 0, 1280, 800);
const card = box(0, 0, 360, 260);

const over = (spot: { left: number; top: number }, about: Box) => common({ ...card, ...spot }, about);

describe("where the card stands", () => {
  it("beside a view that leaves room, and within the window", () => {
    for (const about of [
      box(16, 120, 800, 560),
      box(830, 120, 430, 300),
      box(16, 500, 1248, 280),
      box(16, 10, 1248, 60),
    ]) {
      const spot = place(about, [], card, window);
      expect(spot.clear).toBe(true);
      expect(over(spot, about)).toBe(0);
      expect(spot.left).toBeGreaterThanOrEqual(0);
      expect(spot.top).toBeGreaterThanOrEqual(0);
      expect(spot.left + card.width).toBeLessThanOrEqual(window.width);
      expect(spot.top + card.height).toBeLessThanOrEqual(window.height);
    }
  });

  it("not over the second view where it can be helped", () => {
    const steps = box(16, 60, 1248, 50);
    const spot = place(box(16, 120, 800, 560), [steps], card, window);
    expect(over(spot, steps)).toBe(0);
  });

  it("says so where there is no room", () => {
    expect(place(box(0, 0, 1280, 800), [], card, window).clear).toBe(false);
  });
});

describe("how far to scroll", () => {
  it("not at all where everything can be seen", () => {
    expect(scroll(box(16, 120, 800, 560), [], card, window)).toBe(0);
  });

  it("down to a view below", () => {
    const by = scroll(box(16, 900, 1248, 300), [], card, window);
    expect(by).toBeGreaterThan(0);
    expect(900 + 300 - by).toBeLessThanOrEqual(window.height);
  });

  it("so that there is room for the card", () => {
    const about = box(16, 200, 1248, 500);
    expect(place(about, [], card, window).clear).toBe(false);
    const by = scroll(about, [], card, window);
    expect(place({ ...about, top: about.top - by }, [], card, window).clear).toBe(true);
  });
});

describe("of a view that is larger than the window", () => {
  it("the part that matters is shown", () => {
    const about = box(830, 300, 430, 1100);
    const part = box(840, 1000, 400, 250);
    const by = scroll(about, [], card, window, part);
    expect(part.top - by).toBeGreaterThanOrEqual(0);
    expect(part.top + part.height - by).toBeLessThanOrEqual(window.height);
  });
});
