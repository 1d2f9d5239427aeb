// What a stop speaks of is outlined and brought into view, also where it comes into being, or grows, later.
import { scroll, type Span } from "./place";

const SETTLING = 1500; // ms, in which a view may still grow, for what it shows is on its way

export class Light {
  #lit: Element | null = null;

  constructor(private readonly card: () => HTMLElement | undefined) {}

  // From now on, until what it returns is called.
  shine(selectors: string[]): () => void {
    let until = 0;
    let frame = 0;
    let there = 0; // how many of them there are
    const look = () => {
      frame = 0;
      const now = selectors.filter((one) => document.querySelector(one));
      if (now.length > there) until = performance.now() + SETTLING;
      there = now.length;
      this.#outline(now[0]);
      if (performance.now() < until) this.#see(selectors);
    };
    const soon = () => (frame ||= requestAnimationFrame(look));
    const [sizes, content] = [new ResizeObserver(soon), new MutationObserver(soon)];
    sizes.observe(document.body);
    content.observe(document.body, { childList: true, subtree: true });
    // Whoever scrolls by hand goes where they like.
    const leave = () => (until = 0);
    const ways = ["wheel", "touchmove"] as const;
    for (const way of ways) addEventListener(way, leave, { passive: true });
    soon();
    return () => {
      for (const way of ways) removeEventListener(way, leave);
      sizes.disconnect();
      content.disconnect();
      cancelAnimationFrame(frame);
      this.#outline(undefined);
    };
  }

  // Lead to what a word names.
  show(selector: string): void {
    const named = document.querySelector<HTMLElement>(selector);
    if (!named) return;
    this.#see([selector]);
    if (named.tabIndex >= 0) named.focus({ preventScroll: true });
  }

  #outline(selector: string | undefined): void {
    const next = selector ? document.querySelector(selector) : null;
    if (next === this.#lit) return;
    this.#lit?.removeAttribute("data-lit");
    next?.setAttribute("data-lit", "");
    this.#lit = next;
  }

  #see(selectors: string[]): void {
    const all = selectors.flatMap((one): Span[] => {
      const named = document.querySelector(one);
      return named && !inBar(named) ? [named.getBoundingClientRect()] : [];
    });
    const by = scroll(all, this.#room());
    if (Math.abs(by) < 1) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollBy({ top: by, behavior: calm ? "instant" : "smooth" });
  }

  // What neither the step bar, where it stays in view, nor the card below covers.
  #room(): Span {
    const bar = document.querySelector(".steps");
    const sticks = bar !== null && getComputedStyle(bar).position === "sticky";
    const card = this.card()?.getBoundingClientRect();
    const below = card && card.left === 0 ? card.top : innerHeight;
    return { top: sticks ? bar.getBoundingClientRect().height : 0, bottom: below };
  }
}

function inBar(element: Element): boolean {
  const bar = element.closest(".steps");
  return bar !== null && getComputedStyle(bar).position === "sticky";
}
