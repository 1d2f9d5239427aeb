import { describe, expect, it } from "vitest";
import type { WeightTerm, WeightUpdate } from "../messages";
import {
  checked, editOf, same, sentence, share, terms, without,
} from "./chain";

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
});

describe("numbers in words", () => {
  it("tells shares", () => {
    expect(share(0.114)).toBe("11.4%");
    expect(share(0.00001234)).toBe("0.0012%");
    expect(share(0)).toBe("0%");
  });
  it("tells the check", () => {
    const check = { value: 1, digits: 9, kink: false, left: 0, right: 0 };
    expect(checked(check)).toMatchObject({ good: true, short: "by finite differences 1: agrees to 9 digits" });
    expect(checked({ ...check, digits: 1 }).good).toBe(false);
    const { good, short } = checked({ ...check, kink: true, left: -1, right: 2 });
    expect([good, short]).toEqual([false, "finite differences meet a kink: −1 on its left, 2 on its right"]);
  });
  it("tells what a factor says", () => {
    const there = { layer: 1, unit: 1, source: 0 };
    const slope = { kind: "link.slope", symbol: "∂a1[1]/∂z", value: 0.5, meaning: "the slope of tanh at z = −1.25", facts: {}, ...there };
    expect(sentence(slope)).toBe("The unit passes on 0.5 of each change: the slope of tanh at z = −1.25.");
    expect(sentence({ ...slope, value: 0 })).toContain("passes on nothing");
    const score = { kind: "link.score", symbol: "∂E/∂s[1]", value: -1.43, meaning: "", facts: {}, ...there };
    expect(sentence(score)).toBe("If the output rises a little, E falls 1.43 times as much.");
    expect(sentence({ ...score, value: 1.43 })).toContain("E rises 1.43 times");
    const ours = { kind: "look_up", symbol: "∂n/∂w", value: -2, meaning: "look up", facts: {}, ...there };
    expect(sentence(ours)).toBe("∂n/∂w is −2 (look up).");
  });
});

describe("the update", () => {
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
      { kind: "rate", before: "−", value: 0.1, meaning: "rate α" },
      { kind: "averaged", before: "·", value: -0.1, meaning: "average" },
      { kind: "scaling", before: "/", value: 0.4, meaning: "scaling" },
      { kind: "decay", before: "−", value: 1e-5, meaning: "decay" },
      { before: "=", value: 0.52, meaning: "new weight" },
    ]);
    const other = { ...sgd, terms: [rate(0.1), times("orthogonalised", 0.3)] };
    expect(terms(other)[2]).toEqual({ kind: "orthogonalised", before: "·", value: 0.3, meaning: "orthogonalised" });
  });
});
