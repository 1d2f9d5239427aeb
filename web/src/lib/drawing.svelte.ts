// What is drawn of the network at the moment that is looked at. Which units and edges these are is chosen once, and kept.
import type { Layout, Moment as Numbers, MomentQuery } from "../messages";
import { Latest } from "./latest";
import type { Moment } from "./moment.svelte";
import { Trouble, type Source } from "./source";

const SETTLED = 700; // ms without a move, after which the drawing may be chosen anew
const FAR = 50; // steps, beyond which it should be

export class Drawing {
  layout = $state.raw<Layout | null>(null);
  numbers = $state.raw<Numbers | null>(null);
  weights = $state.raw<Float32Array>(new Float32Array()); // w, ∂E/∂w, step of each edge of `layout`
  #chosen = { key: "", step: 0 };
  #settled: ReturnType<typeof setTimeout> | undefined;
  #newest = new Latest<MomentQuery>((query) => this.#look(query));

  constructor(
    private readonly source: Source,
    private readonly moment: Moment,
    private readonly complain: (error: unknown) => void,
    private readonly resting: () => boolean, // whether the moment stays, unless somebody moves it
  ) {}

  clear(): void {
    [this.layout, this.numbers] = [null, null];
    this.forget();
  }

  // The server knows no drawings of ours, or another one would be better: choose again.
  forget(): void {
    this.#chosen = { key: "", step: 0 };
  }

  look(query: MomentQuery): void {
    void this.#newest.ask(query);
  }

  // Once what was asked for is there.
  get drawn(): Promise<void> {
    return this.#newest.sent;
  }

  async #look(query: MomentQuery): Promise<void> {
    const { by, opened } = this.moment;
    const key = JSON.stringify([query.run, query.timeline, by, opened, query.of, query.row]);
    let layout = this.layout;
    const choose = async (): Promise<Layout> => {
      layout = await this.source.ask("layout", { ...query, by, opened });
      this.#chosen = { key, step: query.step };
      return layout;
    };
    try {
      if (layout === null || key !== this.#chosen.key) layout = await choose();
      const [numbers, weights] = await this.#numbers(query, layout).catch(async (error) => {
        if (!(error instanceof Trouble) || error.kind !== "gone") throw error;
        return this.#numbers(query, await choose());
      });
      if (this.moment.query.run !== query.run) return;
      [this.layout, this.numbers, this.weights] = [layout, numbers, new Float32Array(weights)];
    } catch (error) {
      if (this.moment.query.run === query.run) this.complain(error);
      return;
    }
    clearTimeout(this.#settled);
    if (Math.abs(query.step - this.#chosen.step) < FAR) return;
    this.#settled = setTimeout(() => {
      if (!this.resting()) return;
      this.forget();
      this.look(this.moment.query);
    }, SETTLED);
  }

  #numbers(query: MomentQuery, layout: Layout) {
    const drawn = { ...query, layout: layout.id, wrong: this.moment.astray };
    return Promise.all([this.source.ask("moment", drawn), this.source.ask("weights", drawn)]);
  }
}
