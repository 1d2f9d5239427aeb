// One question at a time, and then the newest: what was asked in between is never sent.
import type { Questions } from "../messages";
import { ask, Trouble } from "./ask";

export class Latest<Q> {
  #waiting: { query: Q } | null = null;
  #busy: Promise<void> | null = null;

  constructor(private readonly send: (query: Q) => Promise<void>) {}

  ask(query: Q): Promise<void> {
    this.#waiting = { query };
    this.#busy ??= this.#work().finally(() => (this.#busy = null));
    return this.#busy;
  }

  get busy(): boolean {
    return this.#busy !== null;
  }

  // Once all that was asked is answered.
  rest(): Promise<void> {
    return this.#busy ?? Promise.resolve();
  }

  async #work(): Promise<void> {
    while (this.#waiting) {
      const { query } = this.#waiting;
      this.#waiting = null;
      await this.send(query);
    }
  }
}

// The answer to a question that changes: to be called while a component is set up. `pause` is the least time between
// two questions, in milliseconds. The last answer stays until the next one is there.
export function answer<Q extends keyof Questions>(
  name: Q,
  query: () => Questions[Q]["query"] | null,
  pause: () => number = () => 0,
) {
  let value = $state.raw<Questions[Q]["reply"] | null>(null);
  let trouble = $state("");
  let wanted: object | null = null;
  let asked = 0;
  const latest = new Latest<Questions[Q]["query"]>(async (next) => {
    asked = performance.now();
    try {
      const found = await ask(name, next);
      if (wanted) [value, trouble] = [found, ""];
    } catch (error) {
      if (wanted === next) [value, trouble] = [null, error instanceof Trouble ? error.message : String(error)];
    }
  });
  $effect(() => {
    const next = query();
    wanted = next;
    if (next === null) {
      [value, trouble] = [null, ""];
      return;
    }
    const wait = asked + pause() - performance.now();
    if (wait <= 0) {
      void latest.ask(next);
      return;
    }
    const timer = setTimeout(() => void latest.ask(next), wait);
    return () => clearTimeout(timer);
  });
  return {
    get value() {
      return value;
    },
    get trouble() {
      return trouble;
    },
  };
}
