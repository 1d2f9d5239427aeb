// In a formula that KaTeX has drawn line by line, each factor is a box of its own, for there the line may be broken.
import type { Attachment } from "svelte/attachments";
import type { Link, Path } from "../messages";
import { pointing } from "./pointing.svelte";

// The boxes of all factors. Each path has a line of symbols, and one of numbers with the product at its end.
export function boxes(formula: Element, paths: readonly Path[]): Map<Element, Link> {
  const links = new Map<Element, Link>();
  paths.forEach(({ factors }, p) => {
    for (const after of [0, 1]) {
      const all = [...(formula.children[2 * p + after]?.querySelectorAll(".katex-html > .base") ?? [])];
      const before = all.length - factors.length - after; // "∂E/∂w =", or "="
      if (before < 0 || before > 1) continue; // it can be broken elsewhere, too
      factors.forEach((factor, i) => links.set(all[before + i]!, factor));
    }
  });
  return links;
}

// A factor that is pointed at lights up wherever it stands.
export function pointable(paths: readonly Path[]): Attachment {
  return (formula) => {
    const all = boxes(formula, paths);
    const point = (event: Event) => {
      const box = (event.target as Element).closest(".base");
      pointing.factor((box && all.get(box)) ?? null);
    };
    const leave = () => pointing.factor(null);
    formula.addEventListener("pointerover", point);
    formula.addEventListener("pointerleave", leave);
    $effect(() => {
      for (const [box, factor] of all) box.classList.toggle("lit", pointing.trail.includes(factor));
    });
    return () => {
      formula.removeEventListener("pointerover", point);
      formula.removeEventListener("pointerleave", leave);
    };
  };
}
