// Over which columns maps are drawn: of each run what was chosen, or else what Python takes.
import { Latest } from "../lib/latest";
import { messageOf } from "../lib/source";
import { studio } from "../lib/studio.svelte";
import type { Axes, AxesQuery } from "../messages";

class Over {
  trouble = $state("");
  #known = $state.raw<{ key: string; run: string; axes: Axes } | null>(null);
  #chosen = $state.raw<Record<string, { x: string; y: string }>>({}); // by run
  #newest = new Latest<string>((key) => this.#ask(key));

  // Those of the open run; they stay until others are known.
  readonly axes = $derived.by(() => (this.#known?.run === studio.moment.query.run ? this.#known.axes : null));
  readonly chosen = $derived.by(() => this.#chosen[studio.moment.query.run] ?? null);

  take(x: string, y: string): void {
    this.#chosen = { ...this.#chosen, [studio.moment.query.run]: { x, y } };
  }

  // To be called while a component is set up, which needs them while `wanted`. They do not depend on the step.
  follow(wanted: () => boolean): void {
    const key = $derived.by(() => {
      const { run, timeline, of, row, features } = studio.moment.query;
      return run && wanted() ? JSON.stringify({ run, timeline, of, row, features, ...this.chosen }) : "";
    });
    $effect(() => {
      if (key) void this.#newest.ask(key);
    });
  }

  async #ask(key: string): Promise<void> {
    if (key === this.#known?.key) return;
    const query = JSON.parse(key) as Omit<AxesQuery, "step">;
    try {
      const step = studio.known.line(query.timeline)?.start ?? 0; // any would do
      const axes = await studio.source.ask("axes", { ...query, step });
      this.trouble = "";
      const { x, y } = { x: axes.x?.name ?? "", y: axes.y?.name ?? "" };
      if (!query.x) this.#chosen = { [query.run]: { x, y }, ...this.#chosen };
      this.#known = { key: query.x ? key : JSON.stringify({ ...query, x, y }), run: query.run, axes };
    } catch (error) {
      this.trouble = messageOf(error);
    }
  }
}

export const over = new Over();
