import { expect, test } from "vitest";
import type { DrawnColumn, Layout } from "../messages";
import { overlap, placeLabels, within } from "./labels";
import { picture, place, shortened } from "./place";

function network(sizes: number[], counts = sizes): Layout {
  const kinds = (i: number) => (i === 0 ? "input" : i === sizes.length - 1 ? "output" : "hidden");
  const columns = sizes.map((size, i): DrawnColumn => {
    const units = Array.from({ length: size }, (_, k) => {
      return { name: `u${i}[${k}]`, label: `unit ${k}`, column: "", unit: "", number: k + 1, bins: 0, bias: "" };
    });
    return { kind: kinds(i), layer: i, activation: "", count: counts[i]!, units, sum: "z", out: "a", matrix: "" };
  });
  const edges = sizes.slice(1).flatMap((size, i) =>
    Array.from({ length: size * sizes[i]! }, (_, k) => {
      const [source, unit] = [Math.floor(k / size), k % size];
      return { weight: `w${i + 1}[${source + 1}, ${unit + 1}]`, layer: i + 1, source, unit, bins: 0 };
    }),
  );
  return { id: "", columns, edges };
}

test("numbers of a small network lie neither on each other nor on a unit", () => {
  for (const [sizes, width] of [[[3, 3, 1], 900], [[3, 3, 1], 592], [[2, 4, 1], 760], [[4, 3, 2, 1], 1200],
    [[3, 3, 1], 306], [[3, 3, 1], 342], [[2, 4, 1], 306], [[3, 3, 1], 540]] as const) {
    const plan = place(network([...sizes]), width);
    expect(plan.wide).toBe(false);
    const boxes = plan.wires.map(({ label }) => ({
      left: label!.x - 25, right: label!.x + 25, top: label!.y - 17, bottom: label!.y + 17,
    }));
    const units = plan.columns.flatMap(({ spots }) => spots).map(({ x, y, rx, ry }) => ({
      left: x - rx, right: x + rx, top: y - ry, bottom: y + ry,
    }));
    boxes.forEach((box, i) => {
      for (const other of [...boxes.slice(i + 1), ...units]) expect(overlap(box, other)).toBe(0);
    });
  }
});

test("everything is inside the picture, from narrow to broad", () => {
  for (const width of [306, 342, 540, 592, 760, 1400]) {
    for (const layout of [network([3, 3, 1]), network([12, 12, 12, 1], [22, 128, 128, 1]), network([12, 12, 4])]) {
      const plan = place(layout, width);
      for (const { x, y, rx, ry } of plan.columns.flatMap(({ spots }) => spots)) {
        expect(x - rx).toBeGreaterThan(0);
        expect(x + rx).toBeLessThan(width);
        expect(y - ry).toBeGreaterThan(40);
        expect(y + ry).toBeLessThan(plan.height);
      }
      expect(plan.outcome.x + plan.outcome.width).toBeLessThanOrEqual(width);
      expect(plan.outcome.y).toBeGreaterThan(0);
    }
  }
});

test("a wide network tells how many are not drawn, and has no numbers on its edges", () => {
  const plan = place(network([12, 12, 12, 1], [22, 128, 128, 1]), 900);
  expect(plan.wide).toBe(true);
  expect(plan.columns.map(({ more }) => more !== null)).toEqual([true, true, true, false]);
  expect(plan.upright).toBe(false);
  expect(plan.wires.every(({ label }) => label === null)).toBe(true);
});

test("on a phone it goes from top to bottom, each column a line", () => {
  for (const layout of [network([3, 3, 1]), network([12, 12, 12, 1], [22, 128, 128, 1]), network([12, 12, 4])]) {
    const { upright, columns, outcome, height } = place(layout, 342);
    expect(upright).toBe(true);
    columns.forEach(({ spots }, c) => {
      for (const { y } of spots) expect(y).toBe(spots[0]!.y);
      expect(spots[0]!.y - spots[0]!.ry).toBeGreaterThan(c ? columns[c - 1]!.spots[0]!.y + columns[c - 1]!.spots[0]!.ry : 0);
      spots.slice(1).forEach(({ x, rx }, k) => expect(x - rx).toBeGreaterThan(spots[k]!.x + rx));
    });
    const last = columns.at(-1)!.spots[0]!;
    expect(outcome.y).toBeGreaterThan(last.y + last.ry + 17);
    expect(outcome.y).toBeLessThan(height - 100);
  }
});

test("more room makes it higher, up to a limit", () => {
  const layout = network([3, 3, 1]);
  const { least } = place(layout, 900);
  expect(place(layout, 900, 100).height).toBe(least);
  expect(place(layout, 900, 600).height).toBe(600);
  expect(place(layout, 900, 5000).height).toBe(700);
});

test("two labels on one line's place give way to each other", () => {
  const line = { from: { x: 0, y: 0 }, to: { x: 300, y: 0 } };
  const [a, b] = placeLabels([line, line], [], { width: 50, up: 15, down: 15 });
  expect(Math.abs(a!.x - b!.x)).toBeGreaterThanOrEqual(50);
});

test("how much of a line lies in a box", () => {
  const box = { left: 10, right: 20, top: -5, bottom: 5 };
  expect(within({ from: { x: 0, y: 0 }, to: { x: 100, y: 0 } }, box)).toBeCloseTo(10);
  expect(within({ from: { x: 0, y: 9 }, to: { x: 100, y: 9 } }, box)).toBe(0);
  expect(within({ from: { x: 15, y: -50 }, to: { x: 15, y: 50 } }, box)).toBeCloseTo(10);
});

test("long names are cut", () => {
  expect(shortened("sqft_living", 20)).toBe("sqft_living");
  expect(shortened("sqft_living", 6)).toBe("sqft_…");
});

test("as a picture nothing lies on anything else, and biases are edges from a 1", () => {
  const layout = network([3, 3, 1]);
  const biases = [...[0, 1, 2].map((unit) => ({ layer: 1, unit })), { layer: 2, unit: 0 }];
  for (const [width, height] of [[1220, 330], [1220, 500], [358, 300], [342, 330], [788, 500]] as const) {
    const plan = picture(layout, biases, ["1,180 sqft", "grade 7", "47.51°"], width, height);
    const spots = [...plan.columns.flatMap((column) => column.spots), ...plan.ones];
    const boxes = spots.map(({ x, y, rx, ry }) => ({ left: x - rx, right: x + rx, top: y - ry, bottom: y + ry }));
    for (const box of boxes) {
      expect(Math.min(box.left, box.top, width - box.right, height - box.bottom)).toBeGreaterThanOrEqual(0);
    }
    boxes.forEach((box, i) => {
      for (const other of boxes.slice(i + 1)) expect(overlap(box, other)).toBe(0);
    });
    expect(plan.ones).toHaveLength(2);
    expect(plan.wires).toHaveLength(layout.edges.length + biases.length);
  }
});
