// What is known of what can be opened, of the run that is open, and of its timelines: told by the source, and its news.
import type { EpochPoint, History, Run, Shelf, Timeline, Training } from "../messages";
import type { Source } from "./source";

const LARGE = 5000; // weights, of which answers that need many points would hold up training
const PAUSE = 1000; // ms between two looks at a curve that grows
const SOON = 400; // ms without a step, after which a curve is read again

export class Known {
  shelf = $state.raw<Shelf | null>(null);
  run = $state.raw<Run | null>(null);
  histories = $state.raw<Record<string, History>>({});
  grown = $state.raw<Record<string, { step: number[]; E: number[] }>>({}); // the steps made since these were read
  #reached = $state.raw<Record<string, number>>({}); // the last state made; it may not be in the file yet
  #newest: Training | null = null; // that was heard of
  #read: Record<string, number> = {}; // when
  #soon: Record<string, ReturnType<typeof setTimeout>> = {};

  readonly house = $derived(this.run?.columns.some((one) => one.name === "sqft_living") ? "house" : "row");

  readonly large = $derived((this.run?.weights ?? 0) > LARGE);

  constructor(
    private readonly source: Source,
    private readonly complain: (error: unknown) => void,
  ) {}

  line(name: string): Timeline | null {
    return this.run?.timelines.find((one) => one.name === name) ?? null;
  }

  // The last state there is on a timeline.
  last(name: string): number {
    return Math.max(this.line(name)?.steps ?? 0, this.#reached[name] ?? 0);
  }

  async look(): Promise<void> {
    this.shelf = await this.source.ask("shelf", {});
  }

  // Another run, or the same with what has become of it.
  opened(run: Run): void {
    if (run.key !== this.run?.key) {
      [this.histories, this.grown, this.#reached] = [{}, {}, {}];
      for (const timer of Object.values(this.#soon)) clearTimeout(timer); // their timelines are the other run's
    }
    this.run = run;
    const there = <T>(all: Record<string, T>) => Object.fromEntries(Object.entries(all).filter(([name]) => this.line(name)));
    [this.histories, this.grown, this.#reached] = [there(this.histories), there(this.grown), there(this.#reached)];
    if (this.#newest?.run === run.key && this.line(this.#newest.timeline)) this.#reach(this.#newest);
    for (const name of Object.keys(this.histories)) this.#readSoon(name);
  }

  // A server that was started again has only what is in the file.
  forget(): void {
    [this.#reached, this.grown, this.#newest] = [{}, {}, null];
  }

  // A step was made, of the open run or of another one.
  made(training: Training): void {
    const { run, timeline: name, step, E } = training;
    this.#newest = training;
    if (run !== this.run?.key) return;
    this.#reach(training);
    if (E === null) return;
    const grown = this.grown[name] ?? { step: [], E: [] };
    if (step - 1 > (grown.step.at(-1) ?? this.histories[name]?.step.at(-1) ?? -1)) {
      this.grown = { ...this.grown, [name]: { step: [...grown.step, step - 1], E: [...grown.E, E] } };
    }
    if (!this.histories[name]) return;
    if (training.running && performance.now() - (this.#read[name] ?? 0) > PAUSE) void this.read(name);
    else this.#readSoon(name);
  }

  #reach({ timeline, step }: Training): void {
    this.#reached = { ...this.#reached, [timeline]: step };
  }

  ended(name: string, epochs: EpochPoint[]): void {
    const known = this.histories[name];
    const more = epochs.filter(({ epoch }) => !known?.epochs.some((one) => one.epoch === epoch));
    if (!known || !more.length) return;
    this.histories = { ...this.histories, [name]: { ...known, epochs: [...known.epochs, ...more] } };
  }

  async read(name: string): Promise<void> {
    const run = this.run?.key;
    if (run === undefined || !this.line(name)) return;
    this.#read[name] = performance.now();
    try {
      const history = await this.source.ask("history", { run, timeline: name });
      if (this.run?.key !== run) return;
      this.histories = { ...this.histories, [name]: history };
      const { step, E } = this.grown[name] ?? { step: [], E: [] };
      const kept = step.findIndex((one) => one > (history.step.at(-1) ?? -1));
      const rest = kept < 0 ? { step: [], E: [] } : { step: step.slice(kept), E: E.slice(kept) };
      this.grown = { ...this.grown, [name]: rest };
    } catch (error) {
      if (this.run?.key === run) this.complain(error);
    }
  }

  #readSoon(name: string): void {
    clearTimeout(this.#soon[name]);
    this.#soon[name] = setTimeout(() => void this.read(name), SOON);
  }
}
