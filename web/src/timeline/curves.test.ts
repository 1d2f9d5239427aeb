import { describe, expect, it } from "vitest";
import type { EpochPoint, History } from "../messages";
import { beside, best, clear, dots, errorRange, rangeOfE, reading, roomy, spread, stepsOwner, type Shown } from "./curves";

type Error = number | null;
const epoch = (number: number, step: number, train: Error, validation: Error, improved = true): EpochPoint => ({
  epoch: number,
  step,
  train,
  validation,
  improved,
});
const history = (epochs: EpochPoint[], steps: number, every = 1): History => ({
  timeline: "main",
  step: Array.from({ length: steps }, (_, i) => i * every),
  E: Array.from({ length: steps }, (_, i) => 1 / (i + 1)),
  rate: [],
  gradient_norm: [],
  update_norm: [],
  epochs,
  baselines: {},
});
const shown = (...epochs: EpochPoint[]): Shown[] => [
  { name: "main", colour: "", from: 0, present: true, lag: 0, history: history(epochs, 10) },
];
const as = (value: number) => value;

describe("the axis of steps", () => {
  it("ends a little behind the last step, and never before it", () => {
    for (const last of [0, 1, 9, 10, 11, 54, 99, 100, 120, 999, 3000, 28_125, 1_000_000]) {
      expect(roomy(last)).toBeGreaterThanOrEqual(last);
      expect(roomy(last)).toBeLessThanOrEqual(Math.max(10, 1.16 * last));
    }
  });

  it("stays in place while a few steps are added", () => {
    expect(new Set([3000, 3010, 3050, 3100, 3150].map(roomy))).toEqual(new Set([3200]));
  });
});

describe("the range of errors", () => {
  it("is none before the first epoch has ended", () => expect(errorRange(shown(), false)).toBeNull());

  it("begins at 0 where the errors are near to it", () => {
    const [low, high] = errorRange(shown(epoch(1, 5, 100, 120), epoch(2, 10, 20, 30)), false)!;
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(120);
  });

  it("leaves out what has run away, but not on a logarithmic scale", () => {
    const lines = shown(epoch(1, 5, 100, 100), epoch(2, 10, 1e30, NaN));
    expect(errorRange(lines, false)![1]).toBeLessThan(500);
    expect(errorRange(lines, true)![1]).toBeGreaterThan(1e30);
  });

  it("of steps' E leaves out single peaks", () => {
    const values: (number | null)[] = Array.from({ length: 500 }, () => 1);
    values[7] = 1e9;
    values[8] = null;
    expect(rangeOfE(values)[1]).toBeLessThan(2);
  });
});

describe("lines", () => {
  it("have dots", () => expect(dots([0, 1], [null, 2], as, as)).toBe("M1.0 2.0h0"));
});

describe("labels", () => {
  it("keep clear of each other, in their order and inside", () => {
    const places = spread([50, 48, 99, 51], 14, 0, 100);
    const sorted = [...places].sort((a, b) => a - b);
    expect(places[1]).toBe(sorted[0]);
    for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(13.999);
    expect(sorted.at(-1)).toBeLessThanOrEqual(100);
  });
  it("stay where there is room", () => expect(spread([10, 60], 14, 0, 100)).toEqual([10, 60]));
});

describe("a label beside a point", () => {
  it("is above it where nothing is in its way", () => expect(clear(50, 50, 20, [], 0, 100)).toBe(-13));
  it("goes below where a line passes above", () => {
    expect(clear(50, 50, 20, [[[0, 34], [100, 34]]], 0, 100)).toBe(21);
  });
  it("stays inside", () => expect(clear(50, 5, 20, [], 0, 100)).toBe(21));
});

describe("what is read off", () => {
  const known = history([epoch(1, 4, 9, 8), epoch(2, 8, 7, 6, false)], 10);

  it("is the step's own E and the last epoch that ended", () => {
    expect(reading(known, { step: [], E: [] }, 3)).toEqual({ step: 3, epoch: 1, E: 0.25, ended: null });
    const at = reading(known, { step: [], E: [] }, 4);
    expect([at.epoch, at.E, at.ended?.train]).toEqual([2, 0.2, 9]);
  });
  it("is nothing beyond the last step", () => expect(reading(known, { step: [], E: [] }, 10).E).toBeNull());
  it("is the last epoch where it ends", () => {
    const all = history([epoch(1, 4, 9, 8), epoch(2, 8, 7, 6)], 8);
    expect([7, 8].map((step) => reading(all, { step: [], E: [] }, step).epoch)).toEqual([2, 2]);
  });
  it("is what has just been trained", () =>
    expect(reading(known, { step: [10, 11], E: [0.05, 0.04] }, 11).E).toBe(0.04));
  it("stands for some steps where they are gathered", () =>
    expect(reading(history([], 5, 10), { step: [], E: [] }, 27).E).toBe(1 / 3));
  it("knows the best epoch", () => {
    expect(best(known.epochs)?.epoch).toBe(1);
    expect(best([epoch(1, 4, 9, null)])).toBeNull();
  });
});

it("says whose E each step has", () => {
  const settings = { batch_size: "128" };
  expect(stepsOwner({ rows: [17], train: 1, settings }, "house")).toBe("house 17");
  expect(stepsOwner({ rows: [], train: 13765, settings }, "house")).toBe("128 houses");
  expect(stepsOwner({ rows: [], train: 90, settings }, "row")).toBe("90 rows");
});

describe("the label of what is best", () => {
  it("does not run into what its lines are called", () => {
    expect(beside(380, 48, 144, [{ x: 390 }, { x: 450 }])).toBe(342);
    expect(beside(380, 48, 144, [{ x: 500 }, { x: 120 }])).toBe(380);
    expect(beside(110, 48, 144, [{ x: 500 }])).toBe(144);
  });
});
