import { describe, expect, it } from "vitest";
import amounts from "./amounts.json";
import { chance, count, number, percent, quantity, signed, steady, tick } from "./format";

describe("numbers", () => {
  it("have so many digits, and a true minus sign", () => {
    expect(number(-0.123456)).toBe("−0.1235");
    expect(number(1234567)).toBe("1.235e+6");
    expect(number(0.00001234)).toBe("1.234e−5");
    expect(number(23456)).toBe("23,456");
    expect(number(0)).toBe("0");
    expect(signed(0.5)).toBe("+0.5");
    expect(count(21613)).toBe("21,613");
    expect(steady(-1.5)).toBe("−1.500");
    expect(percent(0.034)).toBe("3.4%");
    expect(percent(0.5)).toBe("50.0%");
  });
  it("are not rounded to nothing or all", () => {
    expect([0, 1e-6, 0.9996, 1].map(percent)).toEqual(["0.0%", "<0.1%", ">99.9%", "100.0%"]);
    expect([0, 0.5, 1].map(chance)).toEqual(["<0.1%", "50.0%", ">99.9%"]);
  });
  it("say so where they are none", () => {
    for (const none of [null, undefined, NaN, Infinity]) expect(number(none)).toBe("not finite");
  });
  it("carry their unit", () => {
    expect(quantity(-221900.4, "$")).toBe("−$221,900");
    expect(quantity(47.511, "°")).toBe("47.51°");
    expect(quantity(0.3, "")).toBe("0.3");
    expect(quantity(238364.4, "$")).toBe("$238,364");
    expect(quantity(NaN, "$")).toBe("not finite");
  });
  it("are short on an axis", () => {
    expect(["$", "", "years"].map((unit) => tick(-1_500_000, unit))).toEqual(["−$1.5M", "−1.5M", "−1.5M"]);
    expect([0, 0.1 + 0.2, 1955, 500_000, 1e-7].map((value) => tick(value, ""))).toEqual(["0", "0.3", "1955", "500K", "1e−7"]);
    expect(tick(2000, "$")).toBe("$2,000");
  });
  it("are written as the server writes them", () => {
    for (const [value, unit, digits, text] of amounts as [number, string, number, string][]) {
      expect(quantity(value, unit, digits)).toBe(text);
    }
  });
});
