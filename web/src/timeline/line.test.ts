import { describe, expect, it } from "vitest";
import type { Line } from "../messages";
import { falls, range, reach, tidy } from "./line";

const line = (E: (number | null)[], more: Partial<Line> = {}): Line => ({
  rate: [0, 1, 2, 3],
  E: E as number[],
  tangent: [4, 3, 2, 1],
  here: 4,
  chosen: 1,
  E_chosen: 2,
  best: 2,
  E_best: 1,
  hurts: null,
  last: 1,
  ...more,
});

describe("E along a step", () => {
  it("has a range with where the step begins and ends, and its lowest point", () => {
    const [low, high] = range(line([4, 2, 1, 900], { E_chosen: 6 }));
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(6);
    expect(high).toBeLessThan(900);
  });
  it("has a range where nothing changes", () => {
    const [low, high] = range(line([0, 0, 0, 0], { here: 0, E_chosen: 0, E_best: 0 }));
    expect(high).toBeGreaterThan(low);
  });
});

describe("how far it is drawn", () => {
  it("is all there is where nothing hurts", () => expect(reach(line([4, 3, 2, 1]))).toBe(3));
  it("is not far past where it hurts", () => expect(reach(line([4, 5, 6, 7], { hurts: 1, chosen: 0.5 }))).toBe(1.5));
  it("has the chosen rate in it", () => expect(reach(line([4, 5, 6, 7], { hurts: 0.1, chosen: 1 }))).toBe(1.5));
});

describe("the lowest E", () => {
  it("is a bottom inside the line", () => expect(falls(line([4, 2, 1, 900]))).toBe(false));
  it("is none where E still falls at its end", () => expect(falls(line([4, 3, 2, 1], { best: 3 }))).toBe(true));
  it("is none to speak of where nothing changes", () => expect(falls(line([4, 4, 4, 4], { best: 0 }))).toBe(false));
});

describe("a rate", () => {
  it("is rounded as one would type it", () => expect([0.123456, 12.3456, 1e-5].map(tidy)).toEqual([0.123, 12.3, 1e-5]));
});
