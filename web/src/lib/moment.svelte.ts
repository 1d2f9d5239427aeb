// The moment that this page looks at: run, timeline, step, what is looked at there, and what is changed for a look.
import { reading } from "../timeline/curves";
import type { Cell, LayoutQuery, MomentQuery } from "../messages";
import type { Place } from "./address";
import type { Known } from "./known.svelte";
import { phases, seen } from "./phases";

export type By = NonNullable<LayoutQuery["by"]>;

export class Moment {
  timeline = $state("");
  step = $state(0);
  phase = $state<number | null>(null); // an index into `phases`; null: the whole step at once
  of = $state<"row" | "batch">("row");
  row = $state(0);
  weight = $state<string | null>(null); // selected
  hovered = $state<string | null>(null); // a weight under the pointer
  unit = $state<{ layer: number; unit: number } | null>(null); // zoomed into
  by = $state<By>("weight"); // edges are as thick as that, and drawn by that
  opened = $state(""); // the column whose bins are drawn one by one
  features = $state.raw<Record<string, Cell>>({}); // edited by hand, for a look
  weights = $state.raw<Record<string, number>>({});
  wrong = $state(false); // the famous wrong way is shown: each layer is updated before the pull goes back through it
  plus = $state(false); // the update is tried with a plus
  bets = $state(0); // on what its step will do, which is not shown while they are open
  #left: Record<string, { timeline: string; step: number }> = {}; // where runs were when others were opened

  constructor(private readonly known: Known) {}

  readonly line = $derived.by(() => this.known.line(this.timeline));
  readonly last = $derived.by(() => this.known.last(this.timeline));
  // The step that the timeline is planned to end at; the last one there is, where that is beyond.
  readonly end = $derived(Math.max(this.line?.planned ?? 0, this.last));
  // The step whose weights predict, where that is not the last one.
  readonly best = $derived(this.line && this.line.best !== this.last ? this.line.best : null);
  // Where there is a choice: the step whose weights predict, and the last one.
  readonly ends = $derived.by(() => this.best === null ? [] : [
    { name: "best", step: this.best, what: `best on the validation ${this.known.house}s: these weights predict` },
    { name: "last", step: this.last, what: "the last step" },
  ]);
  readonly phases = $derived.by(() => phases(this.known.run?.layers.length ?? 1));
  readonly seen = $derived.by(() => {
    const shown = seen(this.phases, this.phase);
    return { ...shown, update: shown.update && this.bets === 0 };
  });
  // The first of the layers that the pull has gone back through, whose weights are held still for it; null: none.
  readonly held = $derived.by(() => {
    const phase = this.phases[this.phase ?? -1];
    const layers = this.known.run?.layers.length ?? 1;
    const first = phase?.kind === "backward" ? phase.layer + 1 : phase?.kind === "update" ? 2 : Infinity;
    return first <= layers && this.bets === 0 ? first : null;
  });
  readonly astray = $derived(this.wrong && this.held !== null);
  readonly edited = $derived(Object.keys(this.features).length + Object.keys(this.weights).length > 0);
  readonly grown = $derived.by(() => this.known.grown[this.timeline] ?? { step: [], E: [] });
  // What there is to read off the curves at this step; null until they are read.
  readonly here = $derived.by(() => {
    const history = this.known.histories[this.timeline];
    return history ? reading(history, this.grown, this.step) : null;
  });
  // As every question names it.
  readonly query = $derived.by<MomentQuery>(() => ({
    run: this.known.run?.key ?? "",
    timeline: this.timeline,
    step: this.step,
    of: this.of,
    row: this.row,
    features: this.of === "row" ? this.features : {},
    weights: this.weights,
  }));

  get place(): Place {
    const { timeline, step, of, row, weight, by } = this;
    const thick = by === "pull" ? by : undefined;
    return { run: this.known.run?.key, timeline, step, of, row, weight: weight ?? undefined, by: thick };
  }

  // Another run is open: where it was left, or else where it rests.
  enter(before: string | undefined): void {
    const run = this.known.run!;
    if (before !== undefined) this.#left[before] = { timeline: this.timeline, step: this.step };
    [this.weight, this.unit, this.phase, this.opened] = [null, null, null, ""];
    [this.features, this.weights] = [{}, {}];
    this.row = Math.min(this.row, (run.rows ?? 1) - 1);
    const [opens, line] = [this.known.line(run.opens), run.timelines.at(-1)!];
    const rest = opens
      ? { timeline: opens.name, step: 0 }
      : { timeline: line.name, step: (line.reason === null ? null : line.best) ?? line.steps };
    const { timeline, step } = this.#left[run.key] ?? rest;
    this.go(step, timeline);
    if (opens && this.#left[run.key] === undefined) this.follow();
  }

  // To look at what the timeline learns from, where that is a row or a few, and none of them is looked at.
  follow(): void {
    const rows = this.line?.rows ?? [];
    if (rows.length && !rows.includes(this.row)) this.look(rows[0]!);
  }

  // To a step that there is. It is shown as soon as its numbers are known; the curve's cursor moves at once.
  go(step: number, timeline = this.timeline): void {
    const to = Math.max(0, Math.min(step, this.known.last(timeline)));
    if (timeline !== this.timeline || to !== this.step) this.weights = {};
    [this.timeline, this.step] = [timeline, to];
    if (!this.known.histories[timeline]) void this.known.read(timeline);
  }

  // A weight by hand, for a look; starting over with it makes it true.
  edit(weight: string, value: number | null): void {
    const { [weight]: _, ...others } = this.weights;
    this.weights = value === null ? others : { ...others, [weight]: value };
  }

  editFeature(column: string, value: Cell | undefined): void {
    const { [column]: _, ...others } = this.features;
    this.features = value === undefined ? others : { ...others, [column]: value };
  }

  look(row: number): void {
    if (row !== this.row) this.features = {};
    this.row = row;
    this.of = "row";
  }
}
