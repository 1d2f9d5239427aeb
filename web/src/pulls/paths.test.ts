import { describe, expect, it } from "vitest";
import type { DrawnUnit, Layout, Link, Path, Paths } from "../messages";
import { keyOf, lit, placeOf } from "./paths";

const unit = (number: number): DrawnUnit => ({ name: "", label: "", column: "", unit: "", number, bins: 0, bias: "" });
const column = (layer: number, units: number[]) => ({
  kind: layer === 0 ? ("input" as const) : ("hidden" as const), layer, activation: "", count: 9, units: units.map(unit),
  sum: "z", out: "a", matrix: "",
});
// Of two layers some units are drawn: their places are not their numbers.
const layout: Layout = {
  id: "",
  columns: [column(0, [2, 4, 4]), column(1, [3, 7]), column(2, [1])],
  edges: [
    { weight: "w1[b, 3]", layer: 1, source: 0, unit: 0, bins: 0 },
    { weight: "w1[d#1, 7]", layer: 1, source: 1, unit: 1, bins: 1 },
    { weight: "w1[d#2, 7]", layer: 1, source: 2, unit: 1, bins: 1 },
    { weight: "w2[3, 1]", layer: 2, source: 0, unit: 0, bins: 0 },
    { weight: "w2[7, 1]", layer: 2, source: 1, unit: 0, bins: 0 },
  ],
};
const link = (kind: string, layer: number, unit: number, source = 0): Link =>
  ({ kind, symbol: "", value: 1, meaning: "", facts: {}, layer, unit, source });
const path = (product: number, ...factors: Link[]): Path => ({ row: 0, factors, product });
const [score, slope] = [link("link.score", 2, 1), link("link.slope", 1, 7, 4)];
const [weight, input] = [link("link.weight", 2, 1, 7), link("link.input", 1, 7, 4)];

describe("where a factor is", () => {
  it("is at a unit, an edge, or an edge and its input", () => {
    expect(placeOf(score, layout, "")).toEqual({ edges: [], units: [{ column: 2, unit: 0 }] });
    expect(placeOf(slope, layout, "")).toEqual({ edges: [], units: [{ column: 1, unit: 1 }] });
    expect(placeOf(weight, layout, "")).toEqual({ edges: [4], units: [] });
    expect(placeOf(link("link.input", 1, 3, 2), layout, "")).toEqual({ edges: [0], units: [{ column: 0, unit: 0 }] });
  });
  it("tells the bins of an input apart by the weight, where it is one of them", () => {
    expect(placeOf(input, layout, "w1[d#2, 7]").edges).toEqual([2]);
    expect(placeOf(input, layout, "w1[d, 7]").edges).toEqual([1, 2]);
  });
  it("is nowhere where nothing is drawn", () => {
    expect(placeOf(link("link.weight", 2, 1, 5), layout, "")).toEqual({ edges: [], units: [] });
    expect(placeOf(link("link.slope", 1, 5), layout, "")).toEqual({ edges: [], units: [] });
  });
  it("of a factor that nobody knows is what it leads along", () => {
    expect(placeOf(link("ours", 2, 1, 3), layout, "").edges).toEqual([3]);
    expect(placeOf(link("ours", 2, 1), layout, "").units).toEqual([{ column: 2, unit: 0 }]);
  });
});

describe("paths", () => {
  const paths = (...all: Path[]): Paths => ({ weight: "w1[d#1, 7]", layer: 1, unit: 7, source: 4, paths: all });
  it("light up from E to the weight, as strong as they are", () => {
    const { edges, units } = lit(paths(path(-4, score, weight, slope, input), path(1, score, link("link.weight", 2, 1, 3))), layout);
    expect([...edges]).toEqual([[4, 1], [1, 1], [3, 0.25]]);
    expect([...units.values()].map(({ spot, share }) => [keyOf(spot), share])).toEqual(
      [["2 0", 1], ["1 1", 1], ["0 1", 1], ["0 2", 1]],
    );
  });
  it("light up to a bias, which has no input", () => {
    const bias = { ...paths(path(2, score, weight, slope)), weight: "b1[7]", source: 0 };
    const { edges, units } = lit(bias, layout);
    expect([...edges.keys()]).toEqual([4]);
    expect([...units.keys()]).toEqual(["2 0", "1 1"]);
  });
  it("through units that are not drawn light up what stands for these", () => {
    const { edges, units, more } = lit(paths(path(1, score, link("link.weight", 2, 1, 5), link("link.slope", 1, 5))), layout);
    expect([...more]).toEqual([1]);
    expect([...edges.keys()]).toEqual([1]);
    expect([...units.keys()]).toEqual(["2 0", "1 1"]);
  });
  it("that pass nothing light up, too", () => {
    expect([...lit(paths(path(0, score, weight, slope, input)), layout).edges]).toEqual([[4, 0], [1, 0]]);
  });
});
