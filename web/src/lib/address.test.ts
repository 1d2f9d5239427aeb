import { describe, expect, it } from "vitest";
import { hidden, read, write, type Place } from "./address";

describe("the address", () => {
  it("names a moment, and is read back", () => {
    const place: Place = {
      run: "first", timeline: "fork 1", step: 120, phase: 3, of: "batch", row: 17, weight: "w1[a & b=c#7, 2]", tour: 4,
      by: "pull", names: "textbook",
    };
    expect(read(write(place, new Set()))).toEqual(place);
  });
  it("keeps what a teacher hides", () => {
    expect(hidden(write({ step: 1 }, new Set(["setup", "tour"])))).toEqual(new Set(["setup", "tour"]));
    expect(hidden("#step=1")).toEqual(new Set());
  });
  it("takes no nonsense", () => {
    expect(read("#step=-1&row=1.5&of=everything&phase=x&timeline=&by=luck&names=latin")).toEqual({});
  });
});
