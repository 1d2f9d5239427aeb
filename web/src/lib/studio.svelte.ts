// What the page shows and where it stands. Views read it; whatever changes it is a method here.
import type { Cell, MomentQuery, News, Present, Run, Shelf, Timeline } from "../messages";
import { hidden, read, write, type Place } from "./address";
import { ask, command, TAB, Trouble, upload } from "./ask";
import { Drawing } from "./drawing.svelte";
import { Histories } from "./histories.svelte";
import { Latest } from "./latest.svelte";
import { phases, seen } from "./phases";
import { reading } from "../timeline/curves";
import { Wire } from "./wire.svelte";

type Fork = Omit<Parameters<typeof command<"fork">>[1], "timeline" | "step">;

const SOON = 400; // ms without a step, after which the curve is read again
const TOLD = 120; // ms without a move, after which the server is told of it: first come the numbers
const FRAME = 40; // ms between two moments that are drawn while it plays
const SMALL = 1000; // weights, up to which one can follow with the eye
const WATCHED = 25; // steps a second, at which one can

export class Studio {
  run = $state.raw<Run | null>(null);
  shelf = $state.raw<Shelf | null>(null);
  present = $state.raw<Present | null>(null);
  notices = $state.raw<{ id: number; text: string; bad: boolean }[]>([]);

  timeline = $state("main");
  step = $state(0);
  phase = $state<number | null>(null); // an index into `phases`; null: the whole step at once
  of = $state<"row" | "batch">("row");
  row = $state(0);
  weight = $state<string | null>(null); // selected
  hovered = $state<string | null>(null); // a weight under the pointer
  unit = $state<{ layer: number; unit: number } | null>(null); // zoomed into
  by = $state<"weight" | "blame">("weight");
  opened = $state(""); // the column whose bins are drawn one by one
  features = $state.raw<Record<string, Cell>>({}); // edited by hand, for a look
  weights = $state.raw<Record<string, number>>({});
  follows = $state(true); // a tab that looks on goes where the driver goes, until it goes its own way
  speed = $state<number | null>(null); // steps a second when playing; null: as fast as it goes

  compared = $state.raw<string[]>([]); // timelines overlaid on the present one
  hide = $state.raw<Set<string>>(new Set());
  tour = $state<number | null>(null); // the stop of the tour, from 1
  setUp = $state(false); // whether the set-up is open
  help = $state(false); // whether the list of keys is open
  #reached = $state(0); // the last step that was seen on this timeline

  readonly phases = $derived(phases(this.run?.layers.length ?? 1));
  readonly seen = $derived(seen(this.phases, this.phase));
  // It trains until it is stopped. A step or two asked for by hand do not count: nothing on the page blinks for them.
  readonly training = $derived(this.present?.playing ?? false);
  readonly #busy = $derived(this.present?.training ?? false);
  readonly drives = $derived(this.present === null || this.present.driver === TAB || this.present.driver === "");
  readonly line = $derived<Timeline | null>(this.run?.timelines.find((one) => one.name === this.timeline) ?? null);
  // What there is to read off the curves at the present step; null until they are read.
  readonly here = $derived.by(() => {
    const known = this.histories[this.timeline];
    return known ? reading(known, this.growing, this.step) : null;
  });
  // The last state there is on this timeline; what was made just now may not be in the file yet.
  readonly last = $derived(Math.max(this.line?.steps ?? 0, this.#reached));
  // The step whose weights predict, where that is not the last one.
  readonly best = $derived(this.line && this.line.best !== this.last ? this.line.best : null);
  readonly edited = $derived(Object.keys(this.features).length + Object.keys(this.weights).length > 0);
  readonly house = $derived(this.run?.columns.some((one) => one.name === "sqft_living") ? "house" : "row");
  // The moment that is looked at, as every question names it.
  readonly query = $derived<MomentQuery>({
    timeline: this.timeline,
    step: this.step,
    of: this.of,
    row: this.row,
    features: this.of === "row" ? this.features : {},
    weights: this.weights,
  });

  #drawing = new Drawing();
  #histories = new Histories();
  #wire = new Wire({
    opened: () => this.#connected(),
    heard: (news) => this.#hear(news),
    lost: () => this.#lost(),
  });
  #told = 0;
  #shown = 0; // when news of a moment was last followed
  #later: ReturnType<typeof setTimeout> | undefined;
  #reading: ReturnType<typeof setTimeout> | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #arriving = false; // connected, and nothing heard yet
  #wanted: Place = {}; // what the address asked for, until it is there
  #ahead = 0; // steps that are asked for and not begun
  #advancing = false;
  #idle: (() => void)[] = []; // to be called once nothing trains
  #moments = new Latest<null>(() => this.#look());
  #goes = new Latest<{ timeline: string; step: number }>(async (place) => {
    await this.#command("go", place);
  });

  get connection() {
    return this.#wire.connection;
  }
  get layout() {
    return this.#drawing.layout;
  }
  get moment() {
    return this.#drawing.moment;
  }
  // w, ∂E/∂w and the update's step of each edge of `layout`.
  get drawn() {
    return this.#drawing.drawn;
  }
  get histories() {
    return this.#histories.known;
  }
  // The present timeline's steps since its history was read.
  get growing() {
    return this.#histories.growing;
  }

  // --- beginning ---------------------------------------------------------------------------------------------

  begin(): void {
    this.hide = hidden(location.hash);
    this.#wanted = read(location.hash);
    addEventListener("hashchange", (event) => {
      const { hash } = new URL(event.newURL); // ours may stand in the address again by now
      this.#wanted = read(hash);
      this.hide = hidden(hash);
      void this.#arrive();
    });
    $effect(() => {
      const hash = write({ ...this.#place(), phase: this.phase ?? undefined, tour: this.tour ?? undefined }, this.hide);
      const timer = setTimeout(() => this.run && history.replaceState(null, "", hash), 250);
      return () => clearTimeout(timer);
    });
    $effect(() => {
      void [this.run?.key, this.query, this.by, this.opened];
      if (this.run) void this.#moments.ask(null);
    });
    this.#wire.listen();
  }

  address(): string {
    return location.origin + location.pathname + write(this.#place(), this.hide);
  }

  #place(): Place {
    const { run, timeline, step, of, row, weight } = this;
    return { run: run?.key, timeline, step, of, row, weight: weight ?? undefined };
  }

  // The server's first news say what is open and where it stands; then one can go where the address says.
  async #connected(): Promise<void> {
    this.#drawing.forget();
    this.#arriving = true;
    try {
      this.shelf = await ask("shelf", {});
    } catch (error) {
      this.#complain(error);
    }
  }

  // Once the server is there again, whoever drove is where it was.
  #lost(): void {
    if (this.run && this.drives) this.#wanted = { ...this.#place(), ...this.#wanted };
    [this.present, this.#reached] = [null, 0];
  }

  // Go where the address says.
  async #arrive(): Promise<void> {
    const { run, ...place } = this.#wanted;
    this.#wanted = {};
    if (run && run !== this.run?.key) {
      await this.open(run);
      if (this.run?.key !== run) return;
    }
    if (place.row !== undefined) this.row = place.row;
    if (place.of) this.of = place.of;
    if (place.weight) this.weight = place.weight;
    if (place.phase !== undefined) this.phase = Math.min(place.phase, this.phases.length - 1);
    if (place.tour !== undefined) this.tour = place.tour;
    if (place.timeline !== undefined || place.step !== undefined) {
      this.go(place.step ?? 0, place.timeline ?? this.timeline);
    }
  }

  // --- news --------------------------------------------------------------------------------------------------

  #hear(news: News): void {
    if (news.run) this.#opened(news.run, news.present ?? this.present);
    if (news.present) this.#pace(news.present);
    if (news.epoch && news.timeline) this.#histories.epoch(news.timeline, news.epoch);
    if (this.#arriving && this.present && this.run?.key === this.present.run) {
      this.#arriving = false;
      this.#wire.connection = "open";
      void this.#arrive();
    }
    if (news.told) this.say(news.told);
    if (news.trouble) this.say(news.trouble, true);
  }

  #opened(run: Run, present: Present | null): void {
    const other = run.key !== this.run?.key;
    this.run = run;
    if (other) {
      this.#drawing.clear();
      this.#histories.clear();
      [this.weight, this.unit, this.phase, this.opened] = [null, null, null, ""];
      [this.compared, this.features, this.weights] = [[], {}, {}];
      this.speed = run.weights <= SMALL ? WATCHED : null;
      this.row = Math.min(this.row, (run.rows["table"] ?? 1) - 1);
      const first = run.timelines[0]?.name ?? "main";
      const there = present?.run === run.key ? present : null;
      [this.timeline, this.step, this.#reached] = [there?.timeline ?? first, there?.step ?? 0, 0];
    }
    if (this.histories[this.timeline]) this.#readSoon();
    else void this.#readHistory(this.timeline);
  }

  // While it plays, there is more news than can be drawn: of several moments in a frame's time the last is shown.
  #pace(present: Present): void {
    const quick = present.playing && this.present?.playing && present.timeline === this.timeline;
    clearTimeout(this.#later);
    const wait = quick ? this.#shown + FRAME - performance.now() : 0;
    if (wait > 0) {
      this.#later = setTimeout(() => this.#pace(present), wait);
      return;
    }
    this.#shown = performance.now();
    this.#follow(present);
  }

  // `own`: the answer to a command of this tab that leads elsewhere.
  #follow(present: Present, own = false): void {
    const before = this.present;
    if (before && present.number < before.number) return; // an answer that the news has overtaken
    this.present = present;
    if (!present.training) for (const go of this.#idle.splice(0)) go();
    if (present.run !== this.run?.key) return;
    // A tab's own moves come back as news, and lag behind; what was trained is news to it, too.
    const made = present.E !== null && present.E !== undefined;
    const led = made || present.training || before?.training;
    const moved = this.#telling !== undefined || this.#goes.busy;
    const leads = this.drives ? !own && (moved || !led) : !this.follows;
    if (!leads) this.#moveTo(present.timeline, present.step);
    if (present.timeline === this.timeline) this.#reached = Math.max(this.#reached, present.step);
    const grown = made && present.timeline === this.timeline && this.#histories.grow(present);
    if (grown && present.playing) void this.#readHistory(present.timeline);
    else if (made) this.#readSoon();
  }

  #readSoon(): void {
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => void this.#readHistory(this.timeline), SOON);
  }

  async #readHistory(timeline: string): Promise<void> {
    const run = this.run?.key;
    await this.#histories.read(timeline, () => this.run?.key === run).catch((error: unknown) => this.#complain(error));
  }

  // --- looking -----------------------------------------------------------------------------------------------

  async #look(): Promise<void> {
    const run = this.run?.key ?? "";
    const wanted = () => this.run?.key === run;
    const settled = () => {
      if (this.training) return;
      this.#drawing.forget();
      void this.#moments.ask(null);
    };
    try {
      await this.#drawing.look({ run, by: this.by, opened: this.opened, ...this.query }, wanted, settled);
    } catch (error) {
      if (wanted()) this.#complain(error);
    }
  }

  // --- moving ------------------------------------------------------------------------------------------------

  // To a step that there is. It is shown as soon as its numbers are known; the curve's cursor moves at once.
  go(step: number, timeline = this.timeline): void {
    this.#ahead = 0;
    if (this.#busy && this.drives) {
      void this.stop().then(() => this.go(step, timeline));
      return;
    }
    const line = this.run?.timelines.find((one) => one.name === timeline);
    const last = timeline === this.timeline ? this.last : (line?.steps ?? 0);
    this.#moveTo(timeline, Math.max(0, Math.min(step, last)));
    this.follows = this.drives;
    if (!this.drives) return;
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => void this.#tell(), TOLD);
  }

  // Tell the server where this tab is, unless it knows.
  async #tell(): Promise<void> {
    clearTimeout(this.#telling);
    if (this.#telling === undefined) return this.#goes.rest();
    this.#telling = undefined;
    await this.#goes.ask({ timeline: this.timeline, step: this.step });
  }

  #moveTo(timeline: string, step: number): void {
    if (timeline !== this.timeline) {
      this.#histories.still();
      this.#reached = 0;
      this.timeline = timeline;
      if (!this.histories[timeline]) void this.#readHistory(timeline);
    }
    if (step !== this.step) this.weights = {};
    this.step = step;
  }

  // So many steps on: along what is recorded, and beyond its end by training.
  forward(steps = 1): void {
    if (this.training && this.drives) return;
    const known = this.step + steps <= this.last;
    if (known && (!this.drives || (!this.#busy && this.#ahead === 0))) return this.go(this.step + steps);
    if (!this.drives) return this.#mustDrive();
    this.#ahead += steps;
    void this.#advance();
  }

  // Steps that are asked for while earlier ones are written wait, and are made together.
  async #advance(): Promise<void> {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#ahead > 0) {
        if (this.#busy) await new Promise<void>((done) => this.#idle.push(done));
        const steps = this.#ahead;
        this.#ahead = 0;
        if (steps > 0 && !(await this.#command("train", { steps, speed: null }))) break;
      }
    } finally {
      this.#advancing = false;
    }
  }

  back(steps = 1): void {
    this.go(this.step - steps);
  }

  // To the next phase of this step, and from the last one to the next step.
  forwardPhase(): void {
    const next = (this.phase ?? -1) + 1;
    if (next < this.phases.length) {
      this.phase = next;
      return;
    }
    this.phase = 0;
    this.forward();
  }

  backPhase(): void {
    const before = (this.phase ?? this.phases.length) - 1;
    if (before >= 0) {
      this.phase = before;
      return;
    }
    if (this.step === 0) return;
    this.phase = this.phases.length - 1;
    this.back();
  }

  play(): void {
    if (!this.drives) return this.#mustDrive();
    this.phase = null;
    void this.#command("train", { steps: null, speed: this.speed });
  }

  async stop(): Promise<void> {
    this.#ahead = 0;
    await this.#command("stop", {});
  }

  toggle(): void {
    if (this.training) void this.stop();
    else this.play();
  }

  async setSpeed(speed: number | null): Promise<void> {
    this.speed = speed;
    if (!this.training) return;
    await this.stop();
    this.play();
  }

  // --- changing ----------------------------------------------------------------------------------------------

  select(weight: string | null): void {
    this.weight = weight;
  }

  // A weight by hand, for a look; `fork` makes it true.
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

  // Start over from this moment, with something changed. True: it was done.
  async fork(changes: Fork): Promise<boolean> {
    const before = this.timeline;
    const { timeline, step } = this;
    const weights = { ...this.weights, ...changes.weights };
    if (!(await this.#command("fork", { timeline, step, ...changes, weights }))) return false;
    this.weights = {};
    if (!this.compared.includes(before)) this.compared = [...this.compared, before];
    return true;
  }

  async open(key: string): Promise<boolean> {
    const done = await this.#command("open", { key });
    if (done) this.shelf = await ask("shelf", {});
    return done;
  }

  async beginRun(query: Parameters<typeof command<"begin">>[1]): Promise<void> {
    await this.#tell();
    await command("begin", query); // its trouble is shown where the form is
    this.shelf = await ask("shelf", {});
  }

  // The key of a table that is handed over.
  async upload(file: File): Promise<string> {
    const key = await upload(file);
    this.shelf = await ask("shelf", {});
    return key;
  }

  // Take the wheel, and stay where this tab is.
  async drive(): Promise<void> {
    const { timeline, step } = this;
    if (!(await this.#command("drive", {}))) return;
    const there = this.present?.timeline === timeline && this.present.step === step;
    if (!this.training && !there) this.go(step, timeline);
  }

  // Where the driver is, and from now on wherever it goes.
  follow(): void {
    this.follows = true;
    if (this.present) this.#moveTo(this.present.timeline, this.present.step);
  }

  compare(timeline: string): void {
    const there = this.compared.includes(timeline);
    this.compared = there ? this.compared.filter((one) => one !== timeline) : [...this.compared, timeline];
    if (!this.histories[timeline]) void this.#readHistory(timeline);
  }

  shows(view: string): boolean {
    return !this.hide.has(view);
  }

  // --- saying ------------------------------------------------------------------------------------------------

  say(text: string, bad = false): void {
    const id = ++this.#told;
    this.notices = [...this.notices.filter((one) => one.text !== text), { id, text, bad }].slice(-4);
    if (!bad) setTimeout(() => this.dismiss(id), 8000);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
  }

  #mustDrive(): void {
    this.say("Another tab drives. This one looks on; take over to change something.");
  }

  async #command(...[name, query]: Parameters<typeof command>): Promise<boolean> {
    try {
      if (name !== "go") await this.#tell();
      this.#follow(await command(name, query), name === "fork" || name === "open");
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #complain(error: unknown): void {
    if (this.#wire.learn(error)) return;
    if (error instanceof Trouble && error.kind === "not driving") this.#mustDrive();
    else this.say(error instanceof Error ? error.message : String(error), true);
  }
}

export const studio = new Studio();
