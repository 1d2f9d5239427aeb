import { describe, expect, it } from "vitest";
import { phases, seen, title } from "./phases";

const all = phases(2);

describe("phases", () => {
  it("go forward, to the error, back, and to the update", () => {
    expect(all.map((phase) => title(phase, 2))).toEqual([
      "Feed forward: layer 1",
      "Feed forward: the output",
      "The error",
      "Backpropagate: the output",
      "Backpropagate: layer 1",
      "The update",
    ]);
  });
  it("show everything where none is chosen", () => {
    expect(seen(all, null)).toEqual({ forward: 2, error: true, backward: 1, update: true });
  });
  it("show no gradient before the error is known", () => {
    expect(seen(all, 0)).toEqual({ forward: 1, error: false, backward: 3, update: false });
    expect(seen(all, 2)).toEqual({ forward: 2, error: true, backward: 3, update: false });
  });
  it("reach the first layer before the update", () => {
    expect(seen(all, 3)).toEqual({ forward: 2, error: true, backward: 2, update: false });
    expect(seen(all, 4)).toEqual({ forward: 2, error: true, backward: 1, update: false });
  });
});
