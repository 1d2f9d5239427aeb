import { describe, expect, it } from "vitest";
import { drag } from "./drag";

describe("a drag", () => {
  const seen: string[] = [];
  const at = (button = 0, x = 0) =>
    ({ button, clientX: x, pointerId: 7, target: { setPointerCapture: (id: number) => seen.push(`captured ${id}`) } }) as
      unknown as PointerEvent;
  const grip = drag({
    take: (event) => event.clientX < 9,
    move: (event) => seen.push(`to ${event.clientX}`),
    end: (kept) => seen.push(kept ? "kept" : "taken away"),
    pass: () => seen.push("passed"),
  });
  const heard = (...moves: (() => void)[]) => {
    seen.length = 0;
    for (const move of moves) move();
    return [...seen];
  };

  it("captures the pointer, and tells where it goes until it is let go of", () => {
    const moves = [() => grip.onpointerdown(at()), () => grip.onpointermove(at(0, 3)), () => grip.onpointermove(at(0, 20))];
    expect(heard(...moves, grip.onpointerup, () => grip.onpointermove(at()))).toEqual([
      "captured 7", "to 3", "to 20", "kept", "passed",
    ]);
    expect(heard(...moves, grip.onpointercancel, grip.onpointerup).at(-1)).toBe("taken away");
  });
  it("begins with the main button alone, and where there is something to take hold of", () => {
    const move = () => grip.onpointermove(at(0, 3));
    expect(heard(() => grip.onpointerdown(at(2)), move, grip.onpointerup)).toEqual(["passed"]);
    expect(heard(() => grip.onpointerdown(at(0, 9)), move, grip.onpointerup)).toEqual(["passed"]);
  });
});
