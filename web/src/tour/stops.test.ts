import { describe, expect, it } from "vitest";
import type { Studio } from "../lib/studio.svelte";
import { phases, seen, type Seen } from "../lib/phases";
import type { Link } from "../messages";
import { pointing } from "../pulls/pointing.svelte";
import { before, IDEAS, STOPS } from "./stops";
import { plain } from "./marks";

const timeline = (name: string, rows: number[] = [], steps = 14) => ({
  name,
  rows,
  steps,
  parent: null as string | null,
  planned: 14,
  steps_an_epoch: rows.length ? 1 : 100,
  train: rows.length || 13_765,
  settings: { learning_rate: "0.05", batch_size: "128" },
});
const [ONE, ANOTHER, MANY] = [timeline("one house", [0]), timeline("another house", [17]), timeline("128 houses", [], 500)];
const EPOCHS = [300, 240, 200, 150, 120, 110, 105, 101, 100.5, 100.2, 100.1, 100, 99.9, 99.8];
const KNOWN = {
  run: { key: "first", weights: 16, layers: [3, 1], timelines: [MANY, ONE, ANOTHER], opens: "one house", unit: "$", error_unit: "$" },
  house: "house",
  histories: {
    "128 houses": {
      epochs: EPOCHS.map((validation, i) => ({ step: 100 * (i + 1), validation: 1000 * validation })),
      baselines: { mean: 250_000, "linear model": 115_000 },
    },
  },
  last: (name: string) => KNOWN.run.timelines.find((one) => one.name === name)!.steps,
};

// A page that draws at once whatever it looks at: house 0 is guessed better by 1,000 at every step.
function fake(changes: Record<string, unknown> = {}, E?: number) {
  const moment = {
    timeline: "128 houses", step: 3, phase: null as number | null, phases: phases(2), of: "row", row: 5, weight: null as string | null,
    unit: {} as unknown, features: { a: 1 }, weights: { b: 2 } as Record<string, number>, plus: false,
    get line(): typeof ONE | undefined {
      return KNOWN.run.timelines.find((one) => one.name === this.timeline);
    },
    get seen(): Seen {
      return seen(this.phases, this.phase);
    },
    follow() {},
    get query() {
      return {};
    },
    look(row: number) {
      this.row = row;
    },
    ...changes,
  };
  const studio = {
    moment,
    known: KNOWN,
    training: { stop: async () => {}, plays: false, on: (n: number) => (moment.step += n) },
    source: {
      ask: async (_: string, { step }: { step: number }) => ({
        unit: "$", before: 9000 - 1000 * step, after: 8000 - 1000 * step,
        E: [0.5, 0.3, 0.8],
        paths: [{ factors: [{ symbol: "∂E/∂s" }, { symbol: "a1" }] }],
        parts: [{ weight: "w2[2, 1]", part: -300 }, { weight: "b2[1]", part: -700 }],
      }),
    },
    drawing: {
      get numbers() {
        const { timeline, step, of, row } = moment;
        const guess = `$${9000 - 1000 * step}`;
        return {
          timeline, step, of, rows: [row], E: E ?? 9 - step, difference: [5000 - 1000 * step],
          text: { prediction: guess, truth: "$4000", difference: "$1" },
        };
      },
      layout: { edges: [{ weight: "w1[sqft_living, 1]" }, { weight: "w2[2, 1]" }] },
      weights: new Float32Array([0.2662, -0.602, 0, -0.1647, 1.2587, 0]),
    },
    bets: false,
    go(step: number, name = moment.timeline) {
      [moment.step, moment.timeline] = [step, name];
    },
  };
  return studio as unknown as typeof studio & Studio;
}

async function staged(n: number, studio = fake()) {
  const facts = (await STOPS[n - 1]!.stage(studio)) ?? {};
  return { studio, was: before(studio, facts), stop: STOPS[n - 1]! };
}

describe("the stops", () => {
  it("are ten, none is done as it begins, and each says what to do in few words, with no bare E", async () => {
    expect(STOPS).toHaveLength(10);
    for (let n = 1; n <= 10; n++) {
      const { stop, studio, was } = await staged(n);
      expect([n, stop.done(studio, was)]).toEqual([n, false]);
      const [text, task] = [plain(stop.text(studio, was)), plain(stop.task(studio, was).replaceAll(/\*.*?\*/g, "it"))];
      for (const words of [stop.title, text, task]) expect(words).not.toMatch(/!|undefined|NaN|not finite|null|(?<!∂)\bE\b(?! of)/);
      expect([n, text.split(/\s+/).length <= 60]).toEqual([n, true]);
      expect(stop.sees(studio).length).toBeGreaterThan(0);
    }
    expect(IDEAS.length).toBeGreaterThan(2);
  });

  it("go to their own moment, and put back what is changed for a look only", async () => {
    const where = [];
    for (let n = 1; n <= 10; n++) {
      const { moment } = (await staged(n)).studio;
      where.push([moment.timeline, moment.step, moment.row]);
      expect([moment.weights, moment.features, moment.unit]).toEqual([{}, {}, null]);
    }
    const one = ["one house", 0, 0];
    expect(where).toEqual([
      one, one, ["one house", 1, 0], one, one, one, one, ["one house", 14, 17], ["128 houses", 0, 5], ["128 houses", 3, 5],
    ]);
  });
});

describe("what a stop notices", () => {
  it("another house, a step, a bet and its account", async () => {
    for (const [n, act] of [
      [1, (s) => s.moment.look(1)],
      [2, (s) => s.go(1)],
    ] as [number, (studio: ReturnType<typeof fake>) => void][]) {
      const { studio, was, stop } = await staged(n);
      act(studio);
      expect([n, stop.done(studio, was)]).toEqual([n, true]);
    }
    const { studio, was, stop } = await staged(3);
    studio.go(2);
    expect([studio.bets, stop.done(studio, was)]).toEqual([true, false]);
    studio.bets = false;
    expect([stop.done(studio, was), stop.result(studio, was)]).toEqual([true, "b2[1] did the most: −$700 of −$1,000."]);
  });

  it("a plus that was tried, and then the step", async () => {
    const { studio, was, stop } = await staged(6);
    studio.go(1);
    expect(stop.done(studio, was)).toBe(false);
    studio.moment.plus = true;
    expect(stop.done(studio, was)).toBe(true);
    expect(plain(stop.task(studio, was))).toContain("E of this house would be 0.8");
  });

  it("a race that is over", async () => {
    const { studio, was, stop } = await staged(7);
    const lanes = [["crawled", 0.4], ["fell", 0.1], ["diverged", null]].map(([ending, after]) => {
      return { timeline: `rate ${ending}`, step: 21, ending, after };
    });
    const raced = (running: boolean) =>
      ({
        ...studio,
        standings: { running, lanes },
        known: { ...KNOWN, run: { ...KNOWN.run, timelines: [...KNOWN.run.timelines, ...lanes] } },
      }) as unknown as Studio;
    expect([stop.done(raced(true), was), stop.done(raced(false), was)]).toEqual([false, true]);
    expect(stop.result(raced(false), was)).toBe(
      "Rate fell got the farthest: E of this house is 0.1. Rate diverged went wrong at step 21. All three stay as timelines.",
    );
    lanes[1]!.after = 1.195e-9;
    expect(stop.result(raced(false), was)).toContain("E of this house is less than 0.0001. ");
  });

  it("by how much a step is better", async () => {
    const { studio, was, stop } = await staged(2);
    expect(plain(stop.text(studio, was))).toContain("$9000, is $5,000 too high");
    studio.go(1);
    expect(stop.result(studio, was)).toContain("$8000: better by $1,000");
  });

  it("a weight by hand, once E is lower", async () => {
    for (const [E, done] of [[9.5, false], [8.5, true]] as const) {
      const { was, stop } = await staged(4);
      const moved = fake({ timeline: "one house", step: 0, row: 0, weights: { "w2[2, 1]": 0.1 } }, E);
      expect(stop.done(moved, was)).toBe(done);
    }
  });

  it("that every factor was looked at, on the way back to the first layer", async () => {
    const { studio, was, stop } = await staged(5);
    const [E, a] = ["∂E/∂s", "a1"].map((symbol) => ({ symbol }) as Link);
    pointing.trail = [E!];
    expect(stop.done(studio, was)).toBe(false);
    pointing.trail = [a!];
    expect(stop.done(studio, was)).toBe(true);
    expect(stop.result(studio, was)).toContain("−0.602");
  });

  it("another house, which got worse, and many houses", async () => {
    const { studio, was, stop } = await staged(8);
    expect(plain(stop.text(studio, was))).toContain("After 14 steps house 0 is at");
    for (const name of ["another house", "128 houses"]) {
      const [choice] = stop.choices!(studio);
      expect(choice!.label.toLowerCase()).toBe(name);
      choice!.act(studio);
      expect([studio.moment.timeline, studio.moment.step, stop.done(studio, was)]).toEqual([name, 0, false]);
    }
    studio.go(1);
    expect(stop.done(studio, was)).toBe(true);
  });

  it("that the error has passed the mean's and the linear model's lines", async () => {
    const { studio, was, stop } = await staged(9);
    for (const [step, done] of [[100, false], [500, false], [600, true]] as const) {
      studio.go(step);
      expect([step, stop.done(studio, was)]).toEqual([step, done]);
    }
    studio.go(1400); // it went on, as fast as it goes
    expect(plain(stop.result(studio, was))).toBe(
      "Passed, at step 600: $110,000. The mean is off by $250,000, the linear model by $115,000.",
    );
  });

  it("where the curve is flat, and that one starts over", async () => {
    const { studio, was, stop } = await staged(10);
    const asks = (step: number) => (studio.go(step), plain(stop.task(studio, was)));
    expect(asks(600)).toContain("Let it play");
    expect(asks(1000)).toContain("Let it play");
    expect(asks(1400)).toContain("Start over from here");
    const forked = { ...KNOWN.run, timelines: [...KNOWN.run.timelines, { ...MANY, name: "fork 1", parent: "128 houses" }] };
    expect(stop.done({ ...studio, known: { ...KNOWN, run: forked } } as unknown as Studio, was)).toBe(true);
  });
});
