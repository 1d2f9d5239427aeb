import { expect, test } from "vitest";
import type { Moment } from "../messages";
import { gain, marked, miss, place, reading, scale } from "./gauge";

const moment = (prediction: number[], truth: number[], of: "row" | "batch" = "row") =>
  ({ of, prediction, truth }) as unknown as Moment;

test("a price, a chance, and what has no one number", () => {
  expect(reading(moment([483199], [221900]), [], "$")).toEqual({ guess: 483199, truth: 221900, unit: "$" });
  expect(reading(moment([0.2, 0.7, 0.1], [0, 1, 0]), ["a", "b", "c"], "")).toEqual({ guess: 0.7, truth: 1, unit: null });
  expect(reading(moment([1, 2], [3, 4]), [], "$")).toBeNull();
  expect(reading(moment([1], [3], "batch"), [], "$")).toBeNull();
  expect(reading(moment([NaN], [3]), [], "$")).toBeNull();
});

test("the miss says which way", () => {
  expect(miss({ guess: 483199, truth: 221900, unit: "$" })).toBe("$261,299 too high");
  expect(miss({ guess: 200000, truth: 221900, unit: "$" })).toBe("$21,900 too low");
  expect(miss({ guess: 3, truth: 3, unit: "" })).toBe("just right");
  expect(miss({ guess: 0.83, truth: 1, unit: null })).toBe("17.0% short");
  expect([marked(200000, "$"), marked(0.5, null)]).toEqual(["$200K", "50%"]);
});

test("the scale keeps its reach, and lets go of what runs away", () => {
  const one = { guess: 483199, truth: 221900, unit: "$" };
  expect(scale(one, [], [0, 0])).toEqual([0, 500000]);
  expect(scale({ ...one, guess: 230000 }, [], [0, 500000])).toEqual([0, 500000]);
  expect(scale({ ...one, guess: 1e9 }, [], [0, 500000])).toEqual([0, 500000]);
  expect(scale({ ...one, guess: -40000 }, [600000], [0, 500000])).toEqual([-50000, 750000]);
  expect(scale({ guess: 0.2, truth: 1, unit: null }, [], [0, 0])).toEqual([0, 1]);
});

test("better or worse is said of the miss, not of the guess", () => {
  expect(gain(483199, 411201, 221900, "$")).toEqual({ text: "better by $71,998", better: true });
  expect(gain(200000, 250000, 221900, "$")).toEqual({ text: "worse by $6,200", better: false });
  expect(gain(3, 5, 4, "")).toEqual({ text: "no better, no worse", better: null });
  expect(gain(0.5, 0.25, 0, "").text).toBe("better by 0.25");
});

test("the miss covers neither the guess nor the one before it", () => {
  const at = (guess: number, truth: number, was: number | null, width = 900) => place({ guess, truth, was }, 70, width);
  expect(at(700, 300, 800)).toEqual({ x: 500, below: false });
  expect(at(460, 310, null)).toEqual({ x: 560, below: false });
  expect(at(460, 310, 520)).toEqual({ x: 620, below: false }); // beyond the guess stands the one before
  expect(at(700, 300, 480).x).toBe(800); // a step that went wrong leaves it in between
  expect(at(310, 460, 250)).toEqual({ x: 150, below: false });
  expect(at(460, 310, 780)).toEqual({ x: 560, below: false });
  expect(at(160, 130, null, 340)).toEqual({ x: 145, below: true });
});
