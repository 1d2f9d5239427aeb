// What stands beside the curves: E along the step, starting over, or two timelines side by side.
import { studio } from "../lib/studio.svelte";

class Panel {
  shown = $state<"line" | "startover" | "compare">("line");
  rate = $state<number | null>(null); // the learning rate that was let go of
  pair = $state.raw<{ a: string; b: string }>({ a: "", b: "" });

  #from: Element | null = null; // had the focus before

  // From the present moment; it shall not move on meanwhile.
  startOver(rate: number | null = null): void {
    if (!studio.shows("startover")) return;
    if (studio.training) void studio.stop();
    [this.rate, this.shown, this.#from] = [rate, "startover", document.activeElement];
  }

  compare(a: string, b: string): void {
    [this.pair, this.shown, this.#from] = [{ a, b }, "compare", document.activeElement];
  }

  close(): void {
    this.shown = "line";
    if (this.#from instanceof HTMLElement) this.#from.focus({ preventScroll: true });
  }
}

export const panel = new Panel();
