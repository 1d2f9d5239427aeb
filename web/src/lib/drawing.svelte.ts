// What is drawn of the network at the moment that is looked at. Which units and edges these are is chosen once, and kept.
import type { Layout, LayoutQuery, Moment, MomentQuery } from "../messages";
import { ask, askWeights, Trouble } from "./ask";

const SETTLED = 700; // ms without a move, after which the drawing may be chosen anew
const FAR = 50; // steps, beyond which it should be

export interface Look extends MomentQuery {
  run: string;
  by: NonNullable<LayoutQuery["by"]>;
  opened: string;
}

export class Drawing {
  layout = $state.raw<Layout | null>(null);
  moment = $state.raw<Moment | null>(null);
  drawn = $state.raw<Float32Array>(new Float32Array()); // w, ∂E/∂w, step of each edge of `layout`
  #chosen = { key: "", step: 0 };
  #settled: ReturnType<typeof setTimeout> | undefined;

  clear(): void {
    [this.layout, this.moment] = [null, null];
    this.forget();
  }

  // The server knows no drawings of ours, or another one would be better: choose again.
  forget(): void {
    this.#chosen = { key: "", step: 0 };
  }

  // `wanted`: whether the answer still is; `settled`: to be called once nothing has moved for a while, far away.
  async look(look: Look, wanted: () => boolean, settled: () => void): Promise<void> {
    const { run, by, opened, ...query } = look;
    const key = JSON.stringify([run, query.timeline, by, opened, query.of, query.row]);
    let layout = this.layout;
    const choose = async (): Promise<Layout> => {
      layout = await ask("layout", { ...query, by, opened });
      this.#chosen = { key, step: query.step };
      return layout;
    };
    if (layout === null || key !== this.#chosen.key) layout = await choose();
    const [moment, drawn] = await this.#numbers(query, layout).catch(async (error) => {
      if (!(error instanceof Trouble) || error.kind !== "gone") throw error;
      return this.#numbers(query, await choose());
    });
    if (!wanted()) return;
    [this.layout, this.moment, this.drawn] = [layout, moment, drawn];
    clearTimeout(this.#settled);
    if (Math.abs(query.step - this.#chosen.step) < FAR) return;
    this.#settled = setTimeout(settled, SETTLED);
  }

  #numbers(query: MomentQuery, layout: Layout) {
    const drawn = { ...query, layout: layout.id };
    return Promise.all([ask("moment", drawn), askWeights(drawn)]);
  }
}
