import { expect, test } from "vitest";
import type { Account, Moment } from "../messages";
import { middle, QUESTIONS, results, scale, stake, type Answers, type Stake } from "./bet";

const account: Account = {
  of: "prediction", unit: "$", before: 483199, after: 411201,
  parts: [{ weight: "b2[1]", part: -26130 }, { weight: "w2[2, 1]", part: -20325 }], rest: -25543, rest_weights: 14, residual: 0,
};
const on: Stake = { guess: true, truth: 221900, own: true, whose: "this house" };
const said: Answers = { direction: "down", weight: "b2[1]", size: 70000 };
const texts = (answers: Partial<Answers>, other: Partial<Account> = {}, stake: Partial<Stake> = {}) =>
  results(QUESTIONS, { ...said, ...answers }, { ...account, ...other }, { ...on, ...stake }).map(({ won, text }) => [won, text]);

test("a bet that was right", () => {
  expect(texts({})).toEqual([
    [true, "Yes: the guess went down by $71,998, from $483,199 to $411,201."],
    [true, "Yes: b2[1] did the most: −$26,130 of −$71,998."],
    [true, "Very close: you said $70,000, it was $71,998. That is $1,998 off."],
  ]);
});

test("a bet that was wrong", () => {
  expect(texts({ direction: "up", weight: "w2[2, 1]", size: 10000 })).toEqual([
    [false, "No: the guess went down by $71,998, from $483,199 to $411,201. It was too high."],
    [false, "No: b2[1] did the most: −$26,130 of −$71,998. w2[2, 1] did −$20,325, in place 2."],
    [false, "It was more: you said $10,000, it was $71,998. That is $61,998 off."],
  ]);
  expect(texts({ weight: "w1[lat, 3]" })[1]).toEqual([
    false,
    "No: b2[1] did the most: −$26,130 of −$71,998. w1[lat, 3] is not among the 2 that did most.",
  ]);
});

test("how near a size is: neither much more nor much less", () => {
  const sizes = [0, 40000, 45000, 55000, 66000, 79000, 95000, 118000, 125000];
  expect(sizes.map((size) => texts({ size })[2]![1]!.toString().split(":")[0])).toEqual([
    "It was more", "It was more", "Not far off", "Close", "Very close", "Very close", "Close", "Not far off", "It was less",
  ]);
});

test("a step away from the truth says why, where that is known", () => {
  const away = { before: 222000, after: 230000 };
  expect(texts({ direction: "up" }, away, { own: false })[0]![1]).toContain("the step did not learn from this row alone");
  expect(texts({ direction: "up" }, away)[0]![1]).toBe("Yes: the guess went up by $8,000, from $222,000 to $230,000.");
  expect(texts({}, { after: -100000 })[0]![1]).toContain("it went past the truth");
});

test("nothing may have moved", () => {
  expect(texts({ size: 0 }, { after: 483199, parts: [{ weight: "b2[1]", part: 0 }] })).toEqual([
    [false, "Neither: the guess stayed at $483,199."],
    [false, "No weight did anything."],
    [true, "Very close: you said $0, it was $0. That is $0 off."],
  ]);
});

test("weights are called as on the page", () => {
  const called = (name: string) => (name === "b2[1]" ? "b2_1" : "w2_21");
  const [one] = results(["weight"], { ...said, weight: "w2[2, 1]" }, account, on, called);
  expect(one!.text).toBe("No: b2_1 did the most: −$26,130 of −$71,998. w2_21 did −$20,325, in place 2.");
});

test("questions without an answer are left out, and those that were not asked", () => {
  expect(texts({ direction: null, weight: null })).toHaveLength(1);
  expect(results(["direction"], said, account, on).map(({ question }) => question)).toEqual(["direction"]);
});

test("it is about the guess where that is one number, otherwise about E", () => {
  const moment = { prediction: [4], truth: [3], difference: [1], n: 1, happened: true, E: 0.25 } as unknown as Moment;
  expect(stake(moment, [], "this row")).toEqual({ guess: true, truth: 3, own: true, whose: "this row" });
  expect(stake({ ...moment, n: 128 }, [], "these").truth).toBe(null);
  const classes = stake({ ...moment, prediction: [0.2, 0.8] as unknown as Moment["prediction"] }, ["a", "b"], "this row");
  expect(classes).toMatchObject({ guess: false, truth: null });
  const E: Account = { ...account, of: "E", unit: "", before: 0.25, after: 0.2 };
  expect(results(["direction"], said, E, classes)[0]!.text).toBe("Yes: E of this row went down by 0.05, from 0.25 to 0.2.");
});

test("the scale reaches to where the guess would be right, in round steps", () => {
  const at = (difference: number) => scale({ difference: [difference], prediction: [50], E: 0.1 } as unknown as Moment, true);
  expect(at(-261299)).toEqual({ top: 270000, by: 10000 });
  expect(middle(at(-261299))).toBe(140000);
  expect(at(0).top).toBe(50);
  expect(scale({ E: 0 } as unknown as Moment, false).top).toBeCloseTo(1);
});
