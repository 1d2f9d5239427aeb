import { expect, test } from "vitest";
import type { Account, Layout } from "../messages";
import { placed, residual, waterfall, ways } from "./account";

const parts = [-40, 25, -10, 4, -2, 1].map((part, i) => ({ weight: `w${i}`, part }));
const account: Account = {
  of: "prediction", unit: "$", before: 100, after: 75, parts, rest: -3, rest_weights: 9, residual: 0.0001,
};

test("bars lead from the old guess to the new one, the small ones gathered", () => {
  const bars = waterfall(account, 3);
  expect(bars.map(({ weight, count, part }) => [weight, count, part])).toEqual([
    ["w0", 1, -40],
    ["w1", 1, 25],
    ["w2", 1, -10],
    ["", 12, 0],
  ]);
  expect(bars.map(({ from, to }) => [from, to])).toEqual([[100, 60], [60, 85], [85, 75], [75, 75]]);
  expect(waterfall(account, Infinity).map((bar) => bar.weight)).toEqual(["w0", "w1", "w2", "w3", "w4", "w5", ""]);
});

test("one that would be gathered alone is shown itself", () => {
  const small = { ...account, parts: parts.slice(0, 4), rest: 0, rest_weights: 0 };
  expect(waterfall(small, 3).map((bar) => bar.weight)).toEqual(["w0", "w1", "w2", "w3"]);
});

test("bars lie between the least and the greatest that the waterfall comes by", () => {
  expect(placed(waterfall(account, 3), account).map(({ left, width }) => [left, width])).toEqual([
    [0, 100],
    [0, 62.5],
    [37.5, 25],
    [37.5, 0],
  ]);
  const still = { ...account, after: 100, parts: [{ weight: "w", part: 0 }], rest: 0, rest_weights: 0 };
  expect(placed(waterfall(still, 3), still)).toMatchObject([{ left: 0, width: 0 }]);
});

test("in money nobody reads less than a cent", () => {
  expect(residual(account)).toBe("less than a cent");
  expect(residual({ ...account, residual: -1.234 })).toBe("−$1.23");
  expect(residual({ ...account, unit: "", residual: 1e-9 })).toBe("1e−9");
});

test("a weight is named by where it leads", () => {
  const unit = (label: string, number: number, bias = "") => {
    return { name: label, label, column: "", unit: "", number, bins: 0, bias };
  };
  const layout = {
    id: "",
    columns: [
      { kind: "input", layer: 0, activation: "", count: 1, units: [unit("grade", 1)] },
      { kind: "hidden", layer: 1, activation: "tanh", count: 2, units: [unit("1", 1, "b1[1]"), unit("2", 2, "b1[2]")] },
      { kind: "output", layer: 2, activation: "identity", count: 1, units: [unit("price", 1, "b2[1]")] },
    ],
    edges: [
      { weight: "w1[grade, 2]", layer: 1, source: 0, unit: 1, bins: 0 },
      { weight: "w2[1, 1]", layer: 2, source: 0, unit: 0, bins: 0 },
    ],
  } as Layout;
  expect(Object.fromEntries(ways(layout))).toEqual({
    "w1[grade, 2]": "grade → unit 2",
    "w2[1, 1]": "unit 1 → price",
    "b1[1]": "1 → unit 1",
    "b1[2]": "1 → unit 2",
    "b2[1]": "1 → price",
  });
});
