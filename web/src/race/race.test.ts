import { expect, test } from "vitest";
import type { History, Lane, Standings, Timeline } from "../messages";
import { curve, marks, scaleOf, sentence, typed, whose } from "./race";

const history = { step: [0, 1, 2, 3, 4], E: [5, 4, 3, 2, 1] } as unknown as History;
const lane: Lane = {
  timeline: "rate 1.5", rate: 1.5, step: 12, E: 0.25, before: null, after: null, share: null, ending: null,
};
const standings: Standings = { run: "first", timeline: "one house", step: 2, steps: 30, running: true, lanes: [lane] };

test("a curve begins where the race did, and goes on with what was told", () => {
  expect(curve(history, { step: [3, 4, 5, 6], E: [9, 9, 0.5, 0.25] }, 2)).toEqual({
    step: [2, 3, 4, 5, 6],
    E: [3, 2, 1, 0.5, 0.25],
  });
  expect(curve(undefined, { step: [2], E: [7] }, 2)).toEqual({ step: [2], E: [7] });
  expect(curve({ step: [0, 1], E: [2, 2] } as unknown as History, undefined, 2)).toEqual({ step: [], E: [] });
});

test("one scale for all, from which what runs away is left out", () => {
  const curves = [
    { step: [0, 1], E: [0.5, 0.4] },
    { step: [0, 1], E: [0.5, 1e-4] },
    { step: [0, 1, 2], E: [0.5, 1e20, null] },
  ];
  expect(scaleOf(curves)).toEqual([1e-4, 1000]);
  expect(scaleOf([{ step: [0], E: [0.5] }])).toEqual([0.1, 1]);
  expect(scaleOf([])).toEqual([1, 10]);
  expect(scaleOf([{ step: [0], E: [0] }])).toEqual([1, 10]);
  expect(scaleOf([{ step: [0, 1], E: [1, 1e-30] }])[0]).toBeCloseTo(1e-10, 15);
});

test("marks are powers of ten, and few", () => {
  expect(marks([1e-4, 1000], 5)).toEqual([0.001, 0.1, 10, 1000]);
  expect(marks([0.1, 1])).toEqual([0.1, 1]);
});

test("whose E it is", () => {
  expect(whose({ rows: [17], train: 1 } as unknown as Timeline, "house")).toBe("house 17");
  expect(whose({ rows: [3, 8], train: 2 } as unknown as Timeline, "row")).toBe("rows 3, 8");
  expect(whose({ rows: [], train: 13765 } as unknown as Timeline, "house")).toBe("13,765 houses");
});

test("how each stands, in a sentence", () => {
  const said = (facts: Partial<Lane>) => sentence({ ...lane, ...facts }, standings, "house 0", "this step’s houses");
  expect(said({})).toBe("Step 10 of 30: E of this step’s houses is 0.25");
  expect(said({ E: null, step: 2 })).toBe("Step 0 of 30");
  const from = { before: 0.5, after: 0.25, share: 0.5 };
  expect(said({ ...from, ending: "fell" })).toBe("E of house 0 fell by 50%, from 0.5 to 0.25");
  expect(said({ ...from, ending: "crawled" })).toBe("Crawls: E of house 0 fell by only 50%, from 0.5 to 0.25");
  expect(said({ ...from, ending: "rose" })).toBe("Overshoots: E of house 0 rose from 0.5 to 0.25");
  expect(said({ ...from, ending: "diverged", step: 21, after: 2.1e36 })).toBe(
    "Went wrong at step 21: E had risen from 0.5 to 2.1e+36, and the next step went beyond all numbers",
  );
  expect(said({ ...from, ending: "diverged", step: 0, after: 0.5 })).toBe(
    "Went wrong at step 0: the next step went beyond all numbers",
  );
});

test("rates are numbers above 0", () => {
  expect(typed(["0.1", " 2e-3 "])).toEqual([0.1, 0.002]);
  for (const wrong of ["", "0", "-1", "fast", "Infinity"]) expect(typed(["0.1", wrong])).toBe(null);
});
