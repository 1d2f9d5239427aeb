// Training, as the news tell of it, and how this page moves by itself: along what is recorded, then with the training.
import type { Training as Message } from "../messages";
import { count } from "./words";
import type { Known } from "./known.svelte";
import { Latest } from "./latest";
import type { Moment } from "./moment.svelte";
import type { Notices } from "./notices.svelte";
import { messageOf, type Source } from "./source";

export const SMALL = 1000; // weights, up to which one can follow with the eye
const WATCHED = 25; // steps a second, at which one can
const MOVES = 25; // a second, at most, along what is recorded
const WHOLE = 10; // seconds that it takes at most along a whole timeline, as fast as it goes

export class Training {
  now = $state.raw<Message | null>(null); // the one that runs, or ran last
  speed = $state<number | null>(null); // steps a second when playing; null: as fast as it goes
  #along = $state(false); // this page moves with it
  #recorded = $state(false); // this page moves along what is recorded
  #own = false; // it was begun here
  #turn = 0; // of playing
  #last = Promise.resolve(); // of the commands
  #ended: (() => void)[] = []; // to be called once nothing trains
  #stop = $state(0); // the step that was asked for here; Infinity: until it is stopped

  constructor(
    private readonly source: Source,
    private readonly known: Known,
    private readonly moment: Moment,
    private readonly notices: Notices,
  ) {}

  // It trains until it is stopped. A step or two asked for by hand do not count: nothing on the page blinks for them.
  readonly runs = $derived((this.now?.running ?? false) && this.now?.stop === null);
  // This page moves by itself.
  readonly plays = $derived(this.#recorded || (this.#along && (this.runs || this.#stop === Infinity)));
  // It goes on, and this page stands where it is.
  readonly aside = $derived(this.runs && !this.#along);

  // The pace at which a run is watched.
  opened(): void {
    this.#leave();
    this.speed = (this.known.run?.weights ?? 0) <= SMALL ? WATCHED : null;
  }

  // --- news --------------------------------------------------------------------------------------------------

  hear(training: Message): void {
    this.now = training;
    if (!training.running) for (const go of this.#ended.splice(0)) go();
    this.known.made(training);
    if (training.run !== this.known.run?.key) return;
    if (training.trouble) this.notices.say(training.trouble, true);
    if (!this.#along || training.timeline !== this.moment.timeline) return;
    this.moment.go(training.step);
    if (training.running || (training.stop ?? Infinity) < this.#stop) return; // the one before ends late
    this.#leave();
    const best = this.moment.best;
    if (!training.ended || best === null) return;
    this.moment.go(best);
    this.notices.say(
      `Training has ended at step ${count(training.step)}. This is step ${count(best)}, the best on the validation ` +
        `${this.known.house}s: these weights predict.`,
    );
  }

  // There is another server, perhaps, or none.
  forget(): void {
    this.#leave();
    this.now = null;
    for (const go of this.#ended.splice(0)) go();
  }

  // To the newest step, and on with it.
  follow(): void {
    if (!this.now || this.now.run !== this.known.run?.key) return;
    [this.#along, this.#own, this.#stop] = [true, false, 0];
    this.moment.go(this.now.step, this.now.timeline);
  }

  // --- commands ----------------------------------------------------------------------------------------------

  // On along what is recorded, then by training; where the timeline has ended, only from its end.
  async play(): Promise<void> {
    if (this.plays) return;
    const { moment, speed } = this;
    moment.phase = null;
    const [begun, first, turn] = [performance.now(), moment.step, ++this.#turn];
    this.#recorded = first < moment.last;
    while (this.#recorded) {
      await new Promise((go) => setTimeout(go, 1000 / Math.min(speed ?? MOVES, MOVES)));
      if (!this.#recorded || turn !== this.#turn) return;
      const pace = speed ?? Math.max(MOVES, moment.last / WHOLE);
      const to = first + Math.round(((performance.now() - begun) / 1000) * pace);
      moment.go(Math.max(to, moment.step));
      this.#recorded = moment.step < moment.last;
    }
    if (first < moment.last && moment.line?.reason) return;
    await this.#train(null);
  }

  // To a step beyond what is recorded.
  on(steps: number): void {
    if (this.plays) return;
    this.#stop = Math.max(this.#stop, this.moment.step) + steps;
    void this.#steps.ask(this.#stop);
  }

  // What was trained is in the file, and this page has heard of it, when this returns.
  async stop(): Promise<void> {
    this.#recorded = false;
    if (!this.now?.running && !this.#along) return;
    await this.#inTurn(async () => {
      await this.source.command("stop", {});
      if (this.now?.running) await new Promise<void>((go) => this.#ended.push(go));
    });
  }

  // Whoever goes elsewhere goes on no more; a training that was begun here has an end.
  leave(): void {
    const own = this.#own && this.#along;
    if (own) void this.stop();
    this.#leave();
  }

  toggle(): void {
    if (this.plays) void this.stop();
    else void this.play();
  }

  async setSpeed(speed: number | null): Promise<void> {
    this.speed = speed;
    if (!this.plays) return;
    await this.stop();
    void this.play();
  }

  #steps = new Latest<number>((stop) => this.#train(stop));

  async #train(stop: number | null): Promise<void> {
    const { timeline, query } = this.moment;
    const wish = { run: query.run, timeline, stop, speed: stop === null ? this.speed : null };
    [this.#along, this.#own, this.#stop] = [true, true, Math.max(this.#stop, stop ?? Infinity)];
    await this.#inTurn(() => this.source.command("train", wish));
  }

  // One command after the other; one that fails is told, and this page stays where it is.
  #inTurn(command: () => Promise<unknown>): Promise<void> {
    this.#last = this.#last.then(command).then(
      () => {},
      (error) => {
        this.#leave();
        this.notices.say(messageOf(error), true);
      },
    );
    return this.#last;
  }

  #leave(): void {
    [this.#recorded, this.#along, this.#own, this.#stop] = [false, false, false, 0];
  }
}
