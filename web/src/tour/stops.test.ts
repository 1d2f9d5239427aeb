import { describe, expect, it } from "vitest";
import type { Studio } from "../lib/studio.svelte";
import { before, IDEAS, STOPS } from "./stops";

const timeline = (name: string, steps = 0) => ({
  name,
  steps,
  planned: 300,
  steps_an_epoch: 100,
  train: 13_765,
  settings: { learning_rate: "0.05", batch_size: "128" },
});
const phases = [
  { kind: "forward", layer: 1 },
  { kind: "forward", layer: 2 },
  { kind: "error", layer: 0 },
  { kind: "backward", layer: 2 },
  { kind: "backward", layer: 1 },
  { kind: "update", layer: 0 },
];

const main = timeline("main");
const RUN = { key: "first", layers: [{}, {}], timelines: [main], opens: "main", error_unit: "$" };

interface Changes extends Record<string, unknown> {
  run?: typeof RUN;
  histories?: unknown;
  E?: number;
  drawn?: number[]; // w, ∂E/∂w, step of each edge
}

function fake({ run = RUN, histories = {}, E = 0.5, drawn, ...changes }: Changes = {}) {
  const moment = {
    line: main,
    timeline: "main",
    step: 0,
    last: 0,
    phase: null as number | null,
    phases,
    seen: { forward: 2, error: true, backward: 1, update: true },
    of: "row",
    row: 0,
    weight: null as string | null,
    unit: null,
    features: {},
    weights: {},
    look(row: number) {
      this.row = row;
    },
    ...changes,
  };
  const studio = {
    moment,
    known: { run, histories },
    drawing: {
      numbers: { E, step: 0, text: { prediction: "$4", truth: "$3", difference: "$1" } },
      layout: { edges: [{ weight: "w2[1, 1]" }, { weight: "w2[2, 1]" }] },
      weights: new Float32Array(drawn ?? [0.4876, 0.4859, 0, -0.1647, 1.2587, 0]),
    },
    gone: null as number | null,
    on: null as string | null,
    go(step: number, timeline: string) {
      this.gone = moment.step = step;
      this.on = timeline;
    },
  };
  return studio as unknown as typeof studio & Studio;
}

const stop = (n: number) => STOPS[n - 1]!;

describe("the stops", () => {
  it("are ten, each with its words, its task and a view", () => {
    expect(STOPS).toHaveLength(10);
    const studio = fake({ weight: "w2[1, 1]" });
    for (const one of STOPS) {
      for (const words of [one.title, one.text(studio), one.task(studio)]) {
        expect(words).not.toMatch(/!|undefined|NaN|not finite|null/);
        expect(words.split("`").length % 2).toBe(1);
      }
      expect(["network", "house", "chain", "timeline"]).toContain(one.view);
    }
    expect(IDEAS.length).toBeGreaterThan(2);
  });

  it("are not done as they begin", () => {
    for (const one of STOPS) {
      const studio = fake();
      one.stage?.(studio);
      const at = studio.moment.phase === null ? phases.length : studio.moment.phase + 1;
      const count = (kind: string) => phases.slice(0, at).filter((phase) => phase.kind === kind).length;
      (studio.moment as { seen: unknown }).seen = {
        forward: count("forward"),
        error: true,
        backward: 3 - count("backward"),
        update: false,
      };
      expect([one.title, one.done(studio, before(studio))]).toEqual([one.title, false]);
    }
  });

  it("go back to the first step only where they need to", () => {
    const trained = { ...timeline("main", 300) };
    const end = { step: 300, line: trained, run: { ...RUN, timelines: [trained] } };
    expect(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => {
        const at = fake(end);
        stop(n).stage?.(at);
        return at.gone;
      }),
    ).toEqual(Array(8).fill(0));
    expect(
      [9, 10].map((n) => {
        const at = fake(end);
        stop(n).stage?.(at);
        return at.gone;
      }),
    ).toEqual([null, null]);
    const alone = { ...timeline("one house"), train: 1 };
    const opens = { run: { ...RUN, timelines: [main, alone], opens: "one house" } };
    const on = (n: number, more = {}) => {
      const at = fake({ ...opens, ...more });
      stop(n).stage?.(at);
      return at.on;
    };
    expect([1, 3, 5].map((n) => on(n))).toEqual(Array(3).fill("one house"));
    const there = { line: alone, timeline: "one house" };
    expect([6, 7, 8, 9, 10].map((n) => on(n, there))).toEqual([null, null, "main", "main", null]);
    const midway = fake({ step: 7, line: trained });
    stop(6).stage?.(midway);
    expect(midway.gone).toBeNull();
  });
});

describe("what a stop notices", () => {
  const was = before(fake());

  it("feed forward, another row, a weight by hand", () => {
    expect(stop(1).done(fake({ phase: 1 }), was)).toBe(true);
    expect(stop(1).done(fake({ phase: 0, seen: { forward: 1 } }), was)).toBe(false);
    expect(stop(2).done(fake({ row: 1 }), was)).toBe(true);
    const pulled = { weights: { "w2[1, 1]": 0.1 } };
    expect(stop(3).done(fake(pulled), was)).toBe(false);
    expect(stop(3).done(fake({ ...pulled, E: 0.4 }), was)).toBe(true);
    expect(stop(3).done(fake({ ...pulled, E: 0.6 }), was)).toBe(false);
  });

  it("the steepest of all lines, whatever its sign", () => {
    expect(stop(4).done(fake({ weight: "w2[1, 1]" }), was)).toBe(false);
    expect(stop(4).done(fake({ weight: "w2[2,1]" }), was)).toBe(true);
    const drawn = [0, -3, 0, 0, 1.2587, 0];
    expect(stop(4).done(fake({ weight: "w2[1, 1]", drawn }), was)).toBe(true);
  });

  it("a new timeline, steps, phases, an epoch", () => {
    const two = { ...RUN, timelines: [main, timeline("b")] };
    for (const n of [5, 10]) expect(stop(n).done(fake({ run: two }), was)).toBe(true);
    expect(stop(6).done(fake({ step: 1 }), was)).toBe(true);
    expect(stop(7).done(fake({ phase: 4 }), was)).toBe(true);
    expect(stop(7).done(fake({ phase: 3, seen: { backward: 2 } }), was)).toBe(false);
    expect(stop(8).done(fake({ step: 99 }), was)).toBe(false);
    expect(stop(8).done(fake({ step: 100 }), was)).toBe(true);
  });

  it("the flat part of the validation curve", () => {
    const epochs = [100, 80, 62, 61, 60].map((validation, i) => ({ step: 100 * (i + 1), validation }));
    const at = (step: number) => fake({ step, last: 500, histories: { main: { epochs } } });
    const end = { ...was, step: 500 };
    expect([100, 200, 300, 400].map((step) => stop(9).done(at(step), end))).toEqual([false, false, true, true]);
    expect(stop(9).done(at(500), end)).toBe(false);
    expect(stop(9).text(at(500))).toContain("$60");
  });
});
