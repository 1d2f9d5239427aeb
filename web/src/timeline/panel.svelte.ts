// What stands beside the curves: E along the step or over two weights, starting over, two timelines, or a race.
import { studio } from "../lib/studio.svelte";

class Panel {
  shown = $state<"line" | "landscape" | "startover" | "compare" | "race">("line");
  rate = $state<number | null>(null); // the learning rate that was let go of
  pair = $state.raw<{ a: string; b: string }>({ a: "", b: "" });

  #from: Element | null = null; // had the focus before

  // From the present moment; it shall not move on meanwhile.
  startOver(rate: number | null = null): void {
    if (!studio.shows("startover")) return;
    if (studio.training.plays) void studio.training.stop();
    [this.rate, this.shown, this.#from] = [rate, "startover", document.activeElement];
  }

  compare(a: string, b: string): void {
    [this.pair, this.shown, this.#from] = [{ a, b }, "compare", document.activeElement];
  }

  race(): void {
    [this.shown, this.#from] = ["race", document.activeElement];
  }

  // Whoever came by keys goes back to where they came from, or near it; with the mouse nothing holds the space bar.
  close(): void {
    const held = document.activeElement;
    if (held?.closest("[data-panel]") && held.matches(":focus-visible")) {
      const opens = [`[data-opens-panel=${this.shown}]`, "[data-opens-panel]"].map((one) => document.querySelector(one));
      const from = this.#from?.isConnected ? this.#from : (opens[0] ?? opens[1]);
      if (from instanceof HTMLElement) from.focus({ preventScroll: true });
    }
    this.shown = "line";
  }
}

export const panel = new Panel();
