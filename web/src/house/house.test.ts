import { describe, expect, it } from "vitest";
import type { Column, Moment } from "../messages";
import { asCell, asTable, asText, controlOf, matching, reach, shownOn, stepOf } from "./house";

const column = (kind: string, levels: string[] = []): Column => ({
  name: "x", kind, unit: "", levels, low: null, high: null,
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
    const features = ["sqft_living", "sqft_lot", "grade"].map((name) => ({ column: name, value: 1, text: "1" }));
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
});

describe("the numbers", () => {
  it("make room for a prediction, unless it ran away", () => {
    expect(shownOn(500, 700)).toEqual([500, 700]);
    expect(shownOn(500, -2e23)).toEqual([500]);
    expect(shownOn(500, null)).toEqual([500]);
  });
  it("are told for each class", () => {
    const text = { prediction: "70% for b", prediction_after: "", truth: "a", difference: "70.0% short of certain" };
    const moment = { of: "row", prediction: [0.3, 0.7], truth: [1, 0], difference: [-0.7, 0.7], text } as unknown as Moment;
    const { rows } = asTable(null, moment, {}, { forward: true, error: false }, ["a", "b"]);
    expect(rows.slice(0, 3)).toEqual([
      ["prediction", null, null, "70% for b"], ["prediction, a", 0.3, null, ""], ["prediction, b", 0.7, null, ""],
    ]);
    expect(rows.slice(-3)).toEqual([
      ["difference", null, null, ""], ["difference, a", null, null, ""], ["difference, b", null, null, ""],
    ]);
  });
});
