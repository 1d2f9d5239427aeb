// The curves of the timelines, and the steps that one has grown by since it was read.
import type { EpochPoint, History, Present } from "../messages";
import { ask } from "./ask";

const PAUSE = 1000; // ms between two looks at a curve that grows

export class Histories {
  known = $state.raw<Record<string, History>>({});
  growing = $state.raw<{ step: number[]; E: number[] }>({ step: [], E: [] });
  #asked = 0;

  clear(): void {
    this.known = {};
    this.still();
  }

  // Another timeline is present: what grew was not its own.
  still(): void {
    this.growing = { step: [], E: [] };
  }

  async read(timeline: string, wanted: () => boolean): Promise<void> {
    this.#asked = performance.now();
    const found = await ask("history", { timeline });
    if (!wanted()) return;
    this.known = { ...this.known, [timeline]: found };
    const end = found.step.at(-1) ?? -1;
    const { step, E } = this.growing;
    const kept = step.findIndex((one) => one > end);
    this.growing = kept < 0 ? { step: [], E: [] } : { step: step.slice(kept), E: E.slice(kept) };
  }

  // A step was made. True: the curve was read so long ago that it should be read again.
  grow(present: Present): boolean {
    const { step, E } = this.growing;
    const made = present.step - 1;
    if (made > (step.at(-1) ?? -1)) this.growing = { step: [...step, made], E: [...E, present.E ?? NaN] };
    return performance.now() - this.#asked > PAUSE;
  }

  epoch(timeline: string, epoch: EpochPoint): void {
    const known = this.known[timeline];
    if (!known || known.epochs.some((one) => one.epoch === epoch.epoch)) return;
    this.known = { ...this.known, [timeline]: { ...known, epochs: [...known.epochs, epoch] } };
  }
}
