// A weight under the hand: a press that moves up or down edits it, a press that stays where it is selects it.
import { studio } from "../lib/studio.svelte";
import { dragged, nudged, type Weight } from "./weights";

const STILL = 3; // px, within which a press is a click

export class Hand {
  holds = $state.raw<string | null>(null); // the weight that is being dragged
  refused = $state.raw<string | null>(null); // one that cannot be edited, and was dragged
  #press: { weight: Weight; y: number; size: number; before: number | null } | null = null;

  down(event: PointerEvent, weight: Weight, size: number): void {
    this.#press = { weight, y: event.clientY, size, before: studio.moment.weights[weight.name] ?? null };
    this.refused = null;
  }

  move(event: PointerEvent): void {
    if (!this.#press) return;
    const { weight, y, size } = this.#press;
    const up = y - event.clientY;
    if (this.holds === null && Math.abs(up) <= STILL) return;
    if (!weight.single || studio.training.plays) {
      this.refused = weight.name;
      return;
    }
    if (this.holds === null) studio.moment.weight = weight.name;
    this.holds = weight.name;
    studio.moment.edit(weight.name, dragged(weight.w, up, size));
  }

  up(): void {
    const press = this.#press;
    if (press && this.holds === null && this.refused === null) studio.moment.weight = press.weight.name;
    this.#press = this.holds = this.refused = null;
  }

  // As it was before it was taken. True: there was something to put back.
  cancel(): boolean {
    const press = this.#press;
    if (!press || this.holds === null) return false;
    studio.moment.edit(press.weight.name, press.before);
    this.#press = this.holds = null;
    return true;
  }

  nudge(weight: Weight, by: number): void {
    if (!weight.single || studio.training.plays) this.refused = weight.name;
    else studio.moment.edit(weight.name, nudged(weight.w + by));
  }
}
