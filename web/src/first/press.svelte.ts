// The film of the step that was made last, as far as it is shown. The new weights are shown where it comes to them.
import type { Layout, Moment } from "../messages";
import { beginning, pulled, type Beat } from "./film";

export interface Picture {
  layout: Layout;
  numbers: Moment;
  weights: Float32Array;
}

const SOON = 15; // ms between two looks whether the new numbers are there

export class Press {
  before = $state.raw<Picture | null>(null); // as it was before the step
  #beats = $state.raw<Beat[]>([]);
  #at = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly beat = $derived<Beat | null>(this.#beats[this.#at] ?? null);
  readonly pulled = $derived(pulled(this.#beats, this.#at));
  // What is drawn of the network, and what is said of its guess: null, as it is now.
  readonly drawn = $derived(this.#at < beginning(this.#beats, "change") ? this.before : null);
  readonly guess = $derived(this.#at < beginning(this.#beats, "guess") ? this.before : null);

  // `ready`: whether what it leads to is known.
  begin(before: Picture | null, beats: Beat[], ready: () => boolean = () => true): void {
    clearTimeout(this.#timer);
    [this.before, this.#beats, this.#at] = [before, beats, 0];
    const on = (at: number): void => {
      const beat = beats[at];
      if (beat?.kind === "change" && !ready()) {
        this.#timer = setTimeout(() => on(at), SOON);
        return;
      }
      this.#at = at;
      if (beat) this.#timer = setTimeout(() => on(at + 1), beat.ms);
      else this.end();
    };
    on(0);
  }

  end(): void {
    clearTimeout(this.#timer);
    [this.before, this.#beats, this.#at] = [null, [], 0];
  }
}

export const press = new Press();
