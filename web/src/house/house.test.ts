import { describe, expect, it } from "vitest";
import type { Column } from "../messages";
import { asCell, asText, controlOf, matching, reach, stepOf, tickText } from "./house";

const column = (kind: string, levels: string[] = []): Column => ({
  name: "x", kind, unit: "", levels, low: null, high: null, inputs: ["x"],
});

describe("a field", () => {
  it("has a control of its kind", () => {
    expect(controlOf(column("number"), 3)).toBe("number");
    expect(controlOf(column("category", ["a"]), "a")).toBe("choice");
    expect(controlOf(column("date"), "2014-05-31")).toBe("date");
    expect(controlOf(column("date"), "2014-05-31T12:00:00")).toBe("text");
    expect(controlOf(undefined, "x")).toBe("text");
  });
  it("is text, and back", () => {
    expect(asText(1180)).toBe("1180");
    expect(asText(0.1 + 0.2)).toBe("0.3");
    expect(asText(null)).toBe("");
    expect(asCell(" 12.5 ", column("number"))).toEqual({ value: 12.5 });
    expect(asCell("−3", column("number"))).toEqual({ value: -3 });
    expect(asCell("", column("number"))).toEqual({ value: null });
    expect(asCell("many", column("number")).why).toContain("not a number");
    expect(asCell("true", column("boolean", ["false", "true"]))).toEqual({ value: true });
    expect(asCell("<img onerror=1>", column("category", ["x"]))).toEqual({ value: "<img onerror=1>" });
  });
  it("has a slider with sensible steps", () => {
    expect(stepOf(1, 13)).toBe(1);
    expect(stepOf(290, 13540)).toBe(100);
    expect(stepOf(47.1559, 47.7776)).toBeCloseTo(0.001);
    expect(stepOf(2, 2)).toBe(1);
  });
  it("is found by part of its name", () => {
    const features = ["sqft_living", "sqft_lot", "grade"].map((name) => ({ column: name, value: 1, told: "1" }));
    expect(matching(features, "SQFT l").map((one) => one.column)).toEqual(["sqft_living", "sqft_lot"]);
    expect(matching(features, "")).toHaveLength(3);
  });
});

describe("the scale", () => {
  it("reaches a round number and never shrinks", () => {
    expect(reach([221900, 250000])).toEqual([0, 300000]);
    expect(reach([100], [0, 300000])).toEqual([0, 300000]);
    expect(reach([-40, 10])).toEqual([-50, 20]);
    expect(reach([NaN, 98])).toEqual([0, 100]);
    expect(reach([99])).toEqual([0, 200]);
  });
  it("has short ticks", () => {
    expect(tickText(500000, "$")).toBe("$500k");
    expect(tickText(1.5e6, "$")).toBe("$1.5M");
    expect(tickText(-2, "years")).toBe("−2");
  });
});
