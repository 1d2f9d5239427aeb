import { describe, expect, it } from "vitest";
import examples from "./numbers.json";
import said from "./said.json";
import { chance, count, filled, fixed, number, percent, say, signed, tick } from "./words";

type Examples<A extends unknown[]> = [...A, string][];

describe("numbers", () => {
  it("are written as Python writes them", () => {
    for (const [value, unit, digits, text] of examples.number as Examples<[number, string, number]>) {
      expect(number(value, digits, unit)).toBe(text);
    }
    for (const [value, decimals, text] of examples.fixed as Examples<[number, number]>) {
      expect(fixed(value, decimals)).toBe(text);
    }
    for (const [share, decimals, text] of examples.percent as Examples<[number, number]>) {
      expect(percent(share, decimals)).toBe(text);
    }
    for (const [p, text] of examples.chance as Examples<[number]>) expect(chance(p)).toBe(text);
    for (const [n, noun, text] of examples.count as Examples<[number, string]>) expect(count(n, noun)).toBe(text);
  });
  it("say so where they are none", () => {
    for (const none of [null, undefined, NaN, Infinity]) {
      expect([number, fixed, percent, chance].map((written) => written(none))).toEqual(Array(4).fill("not finite"));
    }
  });
  it("have a sign where it matters", () => expect([0.5, 0, -2].map((n) => signed(n))).toEqual(["+0.5", "0", "−2"]));
  it("are short on an axis", () => {
    expect(["$", "", "years"].map((unit) => tick(-1_500_000, unit))).toEqual(["−$1.5M", "−1.5M", "−1.5M"]);
    expect([0, 0.1 + 0.2, 1955, 500_000, 1e-7, 1e30].map((n) => tick(n))).toEqual([
      "0", "0.3", "1955", "500K", "1e−7", "1e+30",
    ]);
    expect(tick(2000, "$")).toBe("$2,000");
  });
});

type Example = [string, Record<string, unknown>, string];

describe("sentences", () => {
  it("are those of Python", () => {
    for (const [kind, facts, text] of said.kinds as Example[]) expect(say(kind, facts)).toBe(text);
    for (const [template, facts, text] of said.templates as Example[]) expect(filled(template, facts)).toBe(text);
  });
});
