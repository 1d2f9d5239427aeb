import { describe, expect, it } from "vitest";
import { before, between, extent, keyed, near, path, tidy } from "./curve";

const as = (value: number) => value;

describe("a curve", () => {
  const [xs, ys] = [[0, 1, 2], [0, 10, 40]];
  it("has places", () => {
    expect([before([], 1), before([2, 4], 1), before([2, 4], 2), before([2, 4], 9)]).toEqual([-1, -1, 0, 1]);
  });
  it("is read between its points", () => {
    expect([0, 0.5, 1, 1.5, 2].map((x) => between(xs, ys, x))).toEqual([0, 5, 10, 25, 40]);
  });
  it("is not known beside what is not finite", () => {
    expect([0, 0.5, 1, 1.5, 2].map((x) => between(xs, [0, null, 1], x))).toEqual([0, null, null, null, null]);
    expect(between([0, 1], [NaN, 1], 0.5)).toBeNull();
    expect([between([], [], 1), between([1], [2], 1)]).toEqual([null, 2]);
  });
  it("is a path, broken where a value is missing", () => {
    expect(path([-1, 1, 2, 3], [1, 2, null, 4], as, as)).toBe("M-1.0 1.0L1.0 2.0M3.0 4.0");
    expect(path([0, 1, 2], [1, 2, 3], as, as, 1)).toBe("M1.0 2.0L2.0 3.0");
    expect(path([0, 1], [0, 1], as, Math.log10)).toBe("M1.0 0.0"); // what a logarithm cannot show
  });
  it("has an extent even where it is flat or broken", () => {
    expect(extent([1, 3], 0.5)).toEqual([0, 4]);
    expect(extent([NaN, null])).toEqual([0, 1]);
    const [low, high] = extent([2, 2]);
    expect(high).toBeGreaterThan(low);
  });
});

describe("a slider", () => {
  const press = (key: string, shiftKey = false) => keyed(new KeyboardEvent("keydown", { key, shiftKey }), 0, -1, 1);
  it("is moved along by keys", () => {
    expect([press("ArrowRight"), press("ArrowUp", true), press("ArrowLeft", true)]).toEqual([0.01, 0.1, -0.1]);
    expect([press("PageUp"), press("PageDown"), press("Home"), press("End")]).toEqual([0.2, -0.2, -1, 1]);
    expect(press("a")).toBeNull();
  });
  it("has no more decimals than it needs, and knows its values again", () => {
    expect(tidy(0.123456789, -1, 1)).toBe(0.123);
    expect(near(0.3, Math.fround(0.3))).toBe(true);
    expect(near(0.3, 0.3001)).toBe(false);
  });
});
