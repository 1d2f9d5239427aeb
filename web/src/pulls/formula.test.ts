import katex from "katex";
import { expect, it } from "vitest";
import type { Link, Path } from "../messages";
import { boxes } from "./formula.svelte";

const link = (symbol: string, value: number): Link =>
  ({ kind: "", symbol, value, meaning: "", facts: {}, layer: 1, unit: 1, source: 0 });
const path = (...factors: Link[]): Path => ({ row: 0, factors, product: 1 });
const drawn = (...lines: string[]): Element => {
  const formula = document.createElement("div");
  formula.innerHTML = lines.map((line) => `<p>${katex.renderToString(`\\displaystyle ${line}`)}</p>`).join("");
  return formula;
};
const texts = (formula: Element, paths: Path[]) =>
  [...boxes(formula, paths)].map(([box, factor]) => [factor.symbol, box.textContent.replace(/[⋅=\s]/g, "")]);

it("each factor has its boxes, in symbols and in numbers", () => {
  const formula = drawn(
    String.raw`\frac{\partial E}{\partial w} = A \cdot B`, String.raw`\quad = 2 \cdot (-3) = -6`,
    String.raw`\quad + C \cdot D`, String.raw`\quad = (-1) \cdot 0.5 = -0.5`, "= -6.5",
  );
  const paths = [path(link("A", 2), link("B", -3)), path(link("C", -1), link("D", 0.5))];
  expect(texts(formula, paths)).toEqual([
    ["A", "A"], ["B", "B"], ["A", "2"], ["B", "(−3)"], ["C", "+C"], ["D", "D"], ["C", "(−1)"], ["D", "0.5"],
  ]);
});

it("of a line that can be broken within a factor none is guessed", () => {
  const formula = drawn(String.raw`L = A \cdot B`, String.raw`\quad = 2\times 10^{-7} \cdot 3 = 6\times 10^{-7}`);
  expect(texts(formula, [path(link("A", 2e-7), link("B", 3))])).toEqual([["A", "A"], ["B", "B"]]);
});
