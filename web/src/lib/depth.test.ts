import { beforeEach, expect, test } from "vitest";
import { read, write } from "./address";
import { DEPTHS, depthAt, remember, SHOWS } from "./depth";

beforeEach(() => localStorage.clear());

test("whoever comes for the first time sees the picture; whoever chose something, that", () => {
  expect(depthAt(read(""))).toBe("picture");
  remember("numbers");
  expect(depthAt(read(""))).toBe("numbers");
  expect(depthAt(read("#run=real"))).toBe("numbers");
  localStorage.setItem("backlit-depth", "abyss");
  expect(depthAt(read(""))).toBe("picture");
});

test("an address that names a moment and no depth is of somebody who sees everything", () => {
  for (const hash of ["#step=0", "#run=first&timeline=main", "#weight=w2[1, 1]", "#row=17"]) {
    expect(depthAt(read(hash))).toBe("everything");
  }
  expect(depthAt(read("#depth=picture&step=3"))).toBe("picture");
  for (const depth of DEPTHS) expect(read(write({ depth, step: 3 }, new Set()))).toEqual({ depth, step: 3 });
});

test("everything is all but the first screen", () => {
  const everything = Object.entries(SHOWS).filter(([, at]) => at.everything({} as never));
  expect(everything.map(([view]) => view)).toEqual(Object.keys(SHOWS).filter((view) => view !== "first"));
});

test("the tour leads on from what was seen before", () => {
  expect(depthAt(read("#tour=3&step=3"))).toBe("picture");
  remember("everything");
  expect(depthAt(read("#tour=3&step=3"))).toBe("everything");
});
