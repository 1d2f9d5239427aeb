import { expect, test } from "vitest";
import type { Axes, Layout } from "../messages";
import { css, diverging, greatest, range, rising, type Palette } from "./colours";
import { labels } from "./labels";
import { split } from "./units.svelte";

const palette: Palette = { paper: [255, 255, 255], above: [0, 0, 200], below: [200, 100, 0], dark: [100, 0, 100] };

test("above the middle is blue, below it orange, and full at the reach", () => {
  const colour = diverging(palette, 10, 4);
  expect(colour(10)).toEqual([255, 255, 255]);
  expect(colour(14)).toEqual([0, 0, 200]);
  expect(colour(90)).toEqual([0, 0, 200]);
  expect(colour(6)).toEqual([200, 100, 0]);
  expect(colour(12)).toEqual([128, 128, 228]);
  expect(colour(NaN)).toBeNull();
  expect(css([1, 2, 3])).toBe("rgb(1 2 3)");
});

test("a landscape is palest where it is lowest", () => {
  const colour = rising(palette, 1, 5);
  expect(colour(1)).toEqual([255, 255, 255]);
  expect(colour(2)![1]).toBeGreaterThan(colour(4)![1]);
  expect(colour(Infinity)).toBeNull();
});

test("what is not finite counts for nothing", () => {
  expect(greatest([1, null, -3, NaN, Infinity])).toBe(3);
  expect(range([4, null, -1, NaN])).toEqual([-1, 4]);
  expect(range([null])).toEqual([0, 1]);
});

const unit = (name: string) => ({ name, label: name, column: "", unit: "", number: 1, bins: 0, bias: "" });
const letters = { sum: "z", out: "a", matrix: "" };
const layout: Layout = {
  id: "",
  columns: [
    { kind: "input", layer: 0, activation: "", count: 2, units: [unit("u"), unit("v")], ...letters },
    { kind: "hidden", layer: 1, activation: "", count: 2, units: [unit("a"), unit("b")], ...letters },
    { kind: "output", layer: 2, activation: "", count: 1, units: [unit("s")], ...letters },
  ],
  edges: [],
};
const axis = (name: string) => ({ name, unit: "", values: [0, 1], here: 0 });
const axes: Axes = {
  x: axis("u"), y: axis("v"), columns: ["u", "v"], held: [], rows: [], row_x: [], row_y: [], truth: [], middle: 7, reach: 2,
};

test("maps are cut by units; those of a layer share their colours, those of the output have the target's", () => {
  const all = Float32Array.from([1, 2, 3, 4, 0, 0, 0, -8, 5, 6, 7, 8]);
  const [inputs, hidden, outputs] = split(all, layout, axes, 2)!.columns;
  expect(inputs).toEqual([]);
  expect(hidden!.map((one) => [...one.values])).toEqual([[1, 2, 3, 4], [0, 0, 0, -8]]);
  expect(hidden!.map((one) => [one.middle, one.reach])).toEqual([[0, 8], [0, 8]]);
  expect([...outputs![0]!.values, outputs![0]!.middle, outputs![0]!.reach]).toEqual([5, 6, 7, 8, 7, 2]);
  expect(split(all.subarray(1), layout, axes, 2)).toBeNull();
  expect(split(Float32Array.from([1, 2, 3, 4, 5, 6]), layout, { ...axes, y: null }, 2)!.columns[2]![0]!.flat).toBe(true);
});

test("contours carry their numbers on the diagonal, where nothing else is", () => {
  const across = (v: number) => Array.from({ length: 20 }, (_, i) => [10 * i, v, 10 * i + 10, v]).flat();
  const contours = [50, 54, 150].map((level) => ({ level, lines: across(level) }));
  const box = { left: 0, top: 0, w: 200, h: 200 };
  const found = labels(contours, (x) => x, (y) => 200 - y, box);
  expect(found.map((one) => one.level)).toEqual([50, 54, 150]);
  expect(found[0]!.x).toBe(45);
  expect(found[2]!.x).toBe(145);
  expect(Math.abs(found[0]!.x - found[1]!.x)).toBeGreaterThan(44);
  const moved = labels(contours.slice(0, 1), (x) => x, (y) => 200 - y, box, [{ x: 50, y: 150 }]);
  expect(Math.abs(moved[0]!.x - 50)).toBeGreaterThan(44);
});
