import { beforeEach, describe, expect, it, vi } from "vitest";
import { recall, remember } from "./memory";

beforeEach(() => localStorage.clear());

describe("the tour's memory", () => {
  it("keeps the stop where it was left", () => {
    expect(recall()).toBe(0);
    remember(5);
    expect(recall()).toBe(5);
  });

  it("takes nothing that makes no sense", () => {
    for (const text of ["", "{", "1.5", '{"offered":true,"stop":5}', "-2"]) {
      localStorage.setItem("backlit-tour", text);
      expect(recall()).toBe(0);
    }
  });

  it("does without a browser that keeps nothing", () => {
    const broken = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new Error("full");
    });
    expect(() => remember(1)).not.toThrow();
    broken.mockRestore();
  });
});
