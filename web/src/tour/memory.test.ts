import { beforeEach, describe, expect, it, vi } from "vitest";
import { recall, remember } from "./memory";

beforeEach(() => localStorage.clear());

describe("the tour's memory", () => {
  it("keeps what it is not told anew", () => {
    expect(recall()).toEqual({ offered: false, stop: 0 });
    remember({ offered: true });
    remember({ stop: 5 });
    expect(recall()).toEqual({ offered: true, stop: 5 });
  });

  it("takes nothing that makes no sense", () => {
    for (const text of ["", "{", "3", '{"offered":"yes","stop":"5"}', '{"stop":-2}']) {
      localStorage.setItem("backlit-tour", text);
      expect(recall()).toEqual({ offered: false, stop: 0 });
    }
  });

  it("does without a browser that keeps nothing", () => {
    const broken = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new Error("full");
    });
    expect(() => remember({ stop: 1 })).not.toThrow();
    broken.mockRestore();
  });
});
