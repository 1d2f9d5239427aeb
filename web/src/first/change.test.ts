import { expect, test } from "vitest";
import { greatest, type Weight } from "../network/weights";
import { change, round } from "./change";

const weight = (name: string, layer: number, w: number): Weight =>
  ({ name, layer, unit: 0, source: 0, edge: 0, single: true, w, dw: 0, step: 0 });

test("the greatest changes are named, and drawn so many times as large as they are", () => {
  const old = [weight("a", 1, 0.5), weight("b", 1, -0.4), weight("c", 1, 0.1), weight("d", 2, 1), weight("e", 2, 0.2)];
  const fresh = [weight("a", 1, 0.48), weight("b", 1, -0.41), weight("c", 1, 0.1), weight("d", 2, 1.05), weight("e", 2, 0.199)];
  const { times, drawn, share, most } = change(old, fresh, greatest(old));
  expect(times).toBe(10); // 0.05 of 1 is the greatest share, and 0.6 / 0.05 is 12
  expect(most.map(({ name }) => name)).toEqual(["d", "a", "b"]);
  expect(most.map(({ by }) => by)).toEqual([1.05 - 1, 0.48 - 0.5, -0.41 + 0.4]);
  drawn.forEach(({ w }, i) => expect(w).toBeCloseTo(old[i]!.w + 10 * (fresh[i]!.w - old[i]!.w)));
  expect(share.get("d")).toBe(1);
  expect(share.get("a")).toBeCloseTo(0.02 / 0.5 / 0.05);
  expect(share.get("c")).toBe(0);
});

test("what does not change is not named, and nothing is drawn smaller than it is", () => {
  const old = [weight("a", 1, 0.5)];
  expect(change(old, old, greatest(old))).toMatchObject({ times: 1000, most: [] });
  expect(change(old, [weight("a", 1, 5)], greatest(old)).times).toBe(1);
  expect([0, 0.9, 1, 4.9, 5, 700, 1e9].map(round)).toEqual([1, 1, 1, 2, 5, 500, 1000]);
});
