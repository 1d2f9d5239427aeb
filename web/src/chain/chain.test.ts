import { describe, expect, it } from "vitest";
import type { WeightTerm, WeightUpdate } from "../messages";
import { agreement, checked, editOf, layerOf, mostToBlame, reasons, same, share, terms, without } from "./chain";

const rate = (value: number): WeightTerm => ({ kind: "rate", enters: "minus", value });
const times = (kind: string, value: number): WeightTerm => ({ kind, enters: "times", value });
const sgd: WeightUpdate = {
  before: 0.5, terms: [rate(0.1), times("gradient", -0.2)], clip: 1, after: 0.52, happened: true,
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
    expect(terms(sgd).map((one) => one.meaning)).toEqual(["old weight", "rate α", "∂E/∂w", "new weight"]);
    expect(terms({ ...sgd, clip: 0.5 })[2]?.meaning).toBe("∂E/∂w, shortened");
  });
  it("shows the terms as they come, also those of an optimizer that it has never heard of", () => {
    const adam: WeightUpdate = {
      ...sgd,
      terms: [
        rate(0.1), times("averaged", -0.1), { kind: "scaling", enters: "over", value: 0.4 },
        { kind: "decay", enters: "minus", value: 1e-5 },
      ],
    };
    expect(terms(adam)).toEqual([
      { before: "", value: 0.5, meaning: "old weight" },
      { before: "−", value: 0.1, meaning: "rate α" },
      { before: "·", value: -0.1, meaning: "average" },
      { before: "/", value: 0.4, meaning: "scaling" },
      { before: "−", value: 1e-5, meaning: "decay" },
      { before: "=", value: 0.52, meaning: "new weight" },
    ]);
    const other = { ...sgd, terms: [rate(0.1), times("orthogonalised", 0.3)] };
    expect(terms(other)[2]).toEqual({ before: "·", value: 0.3, meaning: "orthogonalised" });
  });
  it("says why", () => {
    expect(reasons(sgd, -0.2)).toEqual(["More of this weight lowers E, so the step raises it."]);
    expect(reasons({ ...sgd, after: 0.4, terms: [rate(0.1), times("averaged", 0.3)] }, -0.2)[0]).toContain("Still the step lowers it");
    expect(reasons({ ...sgd, after: 0.5 }, 0)).toHaveLength(1);
    expect(reasons({ ...sgd, clip: 0.25 }, -0.2)[1]).toContain("25.0%");
    const still = { ...sgd, terms: [rate(0), times("gradient", -0.2)], after: sgd.before };
    expect(reasons(still, -0.2)).toEqual(["The rate is 0 at this step, so the weights do not move."]);
  });
});
