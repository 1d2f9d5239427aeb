import { expect, test } from "vitest";
import type { Layout, Moment } from "../messages";
import type { Weight } from "../network/weights";
import { says } from "./says";

const unit = (name: string, label: string, number: number, bias = "") => ({ name, label, column: "", unit: "", number, bins: 0, bias });
const layout = {
  id: "",
  columns: [
    { kind: "input", layer: 0, activation: "", count: 1, units: [unit("grade", "grade", 1)] },
    { kind: "hidden", layer: 1, activation: "tanh", count: 2, units: [unit("a1[1]", "", 1), unit("a1[2]", "", 2, "b1[2]")] },
    { kind: "output", layer: 2, activation: "", count: 1, units: [unit("s[1]", "price", 1)] },
  ],
  edges: [{ weight: "w2[2, 1]", layer: 2, source: 1, unit: 0, bins: 0 }],
} as unknown as Layout;
const moment = { columns: [{ a: [-0.5531] }, { a: [0.1, 0.884] }, { a: [0] }], text: { prediction: "$483,199" } } as unknown as Moment;
const weight = (w: number, name = "w2[2, 1]") => ({ name, layer: 2, unit: 0, source: 1, edge: 0, single: true, w, dw: 0, step: 0 }) as Weight;

test("an edge says where it leads, its weight, and what its colour means", () => {
  const say = (one: Weight) => says(layout, moment, ["grade 7"], { kind: "weight", name: one.name }, one);
  expect(say(weight(-0.1652))).toBe("unit 2 → price: weight −0.165; orange: less out");
  expect(say(weight(0.4))).toBe("unit 2 → price: weight 0.4; blue: more out");
  expect(say({ ...weight(0.07, "b1[2]"), layer: 1, unit: 1, source: -1, edge: -1 })).toBe("1 → unit 2: weight 0.07; blue: more out");
});

test("a unit says what it does", () => {
  const say = (column: number, k: number) => says(layout, moment, ["grade 7"], { kind: "unit", column, unit: k }, undefined);
  expect(say(0, 0)).toBe("grade: grade 7; it goes in as −0.553");
  expect(say(1, 1)).toBe("unit 2 adds up what comes in, each times its weight, and hands on 0.884");
  expect(say(2, 0)).toBe("price: what comes out, $483,199");
});
