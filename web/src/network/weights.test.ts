import { expect, test } from "vitest";
import type { Layout } from "../messages";
import { beside, groups, idOf } from "./items";
import { reach } from "./outcome";
import { biases, dragged, edgeWeights, greatest, nudged, shares, shown, strongest } from "./weights";

const unit = (name: string, number: number, bins = 0, bias = "") =>
  ({ name, label: name, column: "", unit: "", number, bins, bias });
const layout: Layout = {
  id: "x",
  columns: [
    { kind: "input", layer: 0, activation: "", count: 2, units: [unit("a", 1), unit("b", 2, 4)], sum: "", out: "x", matrix: "" },
    { kind: "output", layer: 1, activation: "", count: 1, units: [unit("s[1]", 1, 0, "b1[c, 1]")], sum: "s", out: "s", matrix: "W¹" },
  ],
  edges: [
    { weight: "w1[a, 1]", layer: 1, source: 0, unit: 0, bins: 0 },
    { weight: "w1[b, 1]", layer: 1, source: 1, unit: 0, bins: 4 },
  ],
};
const drawn = new Float32Array([0.5, -2, 0.25, -1, 0.125, 0]);

test("edges have the numbers of the moment, or those of the hand", () => {
  const [a, b] = edgeWeights(layout, drawn, {});
  expect([a!.w, a!.dw, a!.step, a!.single]).toEqual([0.5, -2, 0.25, true]);
  expect([b!.w, b!.dw, b!.step, b!.single]).toEqual([-1, 0.125, 0, false]);
  expect(edgeWeights(layout, drawn, { "w1[a, 1]": 3 })[0]!.w).toBe(3);
});

test("biases have the names that the studio says", () => {
  const numbers = { a: [1], da: [1], z: [1], dz: [1], slope: [1], bias: [0.25], dbias: [2], bias_step: [-0.5] };
  const inputs = { a: [1, 2], da: [0, 0], z: [], dz: [], slope: [], bias: [], dbias: [], bias_step: [] };
  const moment = { columns: [inputs, numbers] };
  const [bias, ...others] = biases(layout, moment as never, {});
  expect(others).toEqual([]);
  expect([bias!.name, bias!.w, bias!.dw, bias!.step]).toEqual(["b1[c, 1]", 0.25, 2, -0.5]);
});

test("what stands out, by weight or by pull", () => {
  const all = edgeWeights(layout, drawn, {});
  expect(greatest(all).get(1)).toBe(1);
  expect(strongest(all, "weight", 1)).toEqual([false, true]);
  expect(strongest(all, "pull", 1)).toEqual([true, false]);
});

test("an edge is as thick as its pull where that is asked for, and where the error has come back to it", () => {
  expect(shown(1, "weight", null, 1)).toBe("weight");
  expect(shown(1, "pull", null, 1)).toBe("pull");
  expect(shown(1, "pull", { kind: "forward", layer: 1 }, 3)).toBe("nothing");
  const back = { kind: "backward", layer: 2 } as const;
  expect([1, 2].map((layer) => shown(layer, "weight", back, 2))).toEqual(["weight", "pull"]);
  expect(shown(2, "weight", { kind: "update", layer: 0 }, 1)).toBe("weight");
});

test("shares are of the greatest", () => {
  expect(shares([1, -4, 0])).toEqual([0.25, 1, 0]);
  expect(shares([0, 0])).toEqual([0, 0]);
});

test("a drag moves a weight by steps that suit its layer", () => {
  expect(dragged(0.5, 0, 1)).toBe(0.5);
  expect(dragged(0.5, 120, 1)).toBe(1.5);
  expect(dragged(0.5, -60, 1)).toBe(0);
  expect(dragged(0.1234, 1, 1)).toBe(0.13);
  expect(nudged(0.1 + 0.2)).toBe(0.3);
});

test("the keyboard goes from one to the next, and from group to group", () => {
  const all = groups(layout);
  expect(all.map((group) => group.map(idOf))).toEqual([
    ["unit 0 0", "unit 0 1"],
    ["weight w1[a, 1]", "weight w1[b, 1]", "weight b1[c, 1]"],
    ["unit 1 0"],
  ]);
  const go = (at: string, by: 1 | -1, far = false) => idOf(beside(all, at, by, far)!);
  expect(go("unit 0 1", 1)).toBe("weight w1[a, 1]");
  expect(go("unit 0 0", -1)).toBe("unit 0 0");
  expect(go("unit 0 0", 1, true)).toBe("weight w1[a, 1]");
  expect(go("unit 1 0", -1, true)).toBe("weight w1[a, 1]");
  expect(go("gone", 1)).toBe("unit 0 0");
});

test("the bar of the difference has a scale that rarely changes", () => {
  expect(reach(261_299)).toBe(2 ** 19);
  expect(reach(270_000)).toBe(2 ** 19);
  expect(reach(0)).toBe(1);
  expect(reach(NaN)).toBe(1);
});
