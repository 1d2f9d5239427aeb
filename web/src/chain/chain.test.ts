import { describe, expect, it } from "vitest";
import type { WeightUpdate } from "../messages";
import { agreement, checked, editOf, layerOf, mostToBlame, reasons, same, share, terms, without } from "./chain";

const sgd: WeightUpdate = {
  before: 0.5, rate: 0.1, clip: 1, averaged: -0.2, scaling: 1, decay: 0, after: 0.52, happened: true,
};

describe("names", () => {
  it("ignores spaces", () => {
    expect(same("w2[5,1]", "w2[5, 1]")).toBe(true);
    expect(editOf({ "w2[5, 1]": 0.3 }, "w2[5,1]")).toBe(0.3);
    expect(editOf({}, "b1[1]")).toBeNull();
    expect(without({ "w2[5, 1]": 0.3, "b1[2]": 1 }, "w2[5,1]")).toEqual({ "b1[2]": 1 });
  });
  it("knows the layer", () => {
    expect(layerOf("w2[5, 1]")).toBe(2);
    expect(layerOf("b12[1]")).toBe(12);
    expect(layerOf("gamma1[3]")).toBe(1);
    expect(layerOf("w1[<img onerror=9>, 3]")).toBe(1);
  });
  it("finds the weight most to blame", () => {
    const edge = (weight: string) => ({ weight, layer: 1, source: 0, unit: 0, bins: 0 });
    expect(mostToBlame([edge("a"), edge("b")], [1, 0.1, 0, 1, -0.3, 0])).toBe("b");
    expect(mostToBlame([edge("a")], [1, 0, 0])).toBeNull();
  });
});

describe("numbers in words", () => {
  it("tells shares", () => {
    expect(share(0.114)).toBe("11.4%");
    expect(share(0.00001234)).toBe("0.0012%");
    expect(share(0)).toBe("0%");
  });
  it("tells the check", () => {
    const check = { value: 1, digits: 9, kink: false, left: 0, right: 0 };
    expect(checked(check).short).toBe("checked: agrees to 9 digits with finite differences");
    expect(checked({ ...check, digits: 1 }).good).toBe(false);
    expect(checked({ ...check, kink: true, left: -1, right: 2 }).long).toContain("−1 on the left and 2 on the right");
  });
});

describe("the update", () => {
  it("agrees with training to so many digits", () => {
    expect(agreement(6e-8)).toBe("Training, in 32-bit arithmetic, agrees with this to 7 digits.");
    expect(agreement(0.04)).toContain("to 1 digit.");
    expect(agreement(0.4)).toContain("differs from this by 40.0%.");
  });
  it("is short for plain gradient descent", () => {
    expect(terms(sgd, -0.2).map((one) => one.meaning)).toEqual(["old weight", "rate α", "∂E/∂w", "new weight"]);
  });
  it("names average, scaling and decay", () => {
    const adam = { ...sgd, averaged: -0.1, scaling: 0.4, decay: 1e-5 };
    expect(terms(adam, -0.2).map((one) => one.meaning)).toEqual([
      "old weight", "rate α", "average", "scaling", "decay", "new weight",
    ]);
  });
  it("says why", () => {
    expect(reasons(sgd, -0.2)).toEqual(["More of this weight lowers E, so the step raises it."]);
    expect(reasons({ ...sgd, after: 0.4, averaged: 0.3 }, -0.2)[0]).toContain("Still the step lowers it");
    expect(reasons({ ...sgd, after: 0.5, averaged: 0 }, 0)).toHaveLength(1);
    expect(reasons({ ...sgd, clip: 0.25, averaged: -0.05 }, -0.2)[1]).toContain("25.0%");
    const still = { ...sgd, rate: 0, after: sgd.before };
    expect(reasons(still, -0.2)).toEqual(["The rate is 0 at this step, so the weights do not move."]);
  });
});
