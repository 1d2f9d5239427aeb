// One question at a time, and then the newest: what was asked in between is never sent.
export class Latest<Q> {
  #waiting: { query: Q } | null = null;
  #busy: Promise<void> | null = null;

  constructor(private readonly send: (query: Q) => Promise<void>) {}

  ask(query: Q): Promise<void> {
    this.#waiting = { query };
    this.#busy ??= this.#work().finally(() => (this.#busy = null));
    return this.#busy;
  }

  // Once what was asked last is answered.
  get sent(): Promise<void> {
    return this.#busy ?? Promise.resolve();
  }

  // What waits is not sent.
  forget(): void {
    this.#waiting = null;
  }

  async #work(): Promise<void> {
    while (this.#waiting) {
      const { query } = this.#waiting;
      this.#waiting = null;
      await this.send(query);
    }
  }
}
