// What the page shows and where it stands. Views read it; whatever changes it is a method here.
import type {
  Cell,
  EpochPoint,
  History,
  Layout,
  Moment,
  MomentQuery,
  News,
  Present,
  Run,
  Shelf,
  Timeline,
} from "../messages";
import { hidden, read, write, type Place } from "./address";
import { ask, askWeights, command, TAB, Trouble } from "./ask";
import { Latest } from "./latest.svelte";
import { phases, seen } from "./phases";

type Fork = Omit<Parameters<typeof command<"fork">>[1], "timeline" | "step">;
export type Connection = "connecting" | "open" | "lost" | "refused";

const HISTORY_PAUSE = 1000; // ms between two looks at a curve that grows
const RECONNECT = 700; // ms
const SETTLED = 700; // ms without a move, after which the drawing may be chosen anew
const FAR = 50; // steps, beyond which it should be
const SMALL = 1000; // weights, up to which one can follow with the eye
const WATCHED = 25; // steps a second, at which one can

export class Studio {
  run = $state.raw<Run | null>(null);
  shelf = $state.raw<Shelf | null>(null);
  present = $state.raw<Present | null>(null);
  connection = $state<Connection>("connecting");
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

  layout = $state.raw<Layout | null>(null);
  moment = $state.raw<Moment | null>(null);
  drawn = $state.raw<Float32Array>(new Float32Array()); // w, ∂E/∂w, step of each edge of `layout`
  histories = $state.raw<Record<string, History>>({});
  growing = $state.raw<{ step: number[]; E: number[] }>({ step: [], E: [] }); // of the steps since the last history
  compared = $state.raw<string[]>([]); // timelines overlaid on the present one
  hide = $state.raw<Set<string>>(new Set());
  tour = $state<number | null>(null); // the stop of the tour, from 1
  setUp = $state(false); // whether the set-up is open
  help = $state(false); // whether the list of keys is open

  readonly phases = $derived(phases(this.run?.layers.length ?? 1));
  readonly seen = $derived(seen(this.phases, this.phase));
  // It trains until it is stopped. A step or two asked for by hand do not count: nothing on the page blinks for them.
  readonly training = $derived(this.present?.playing ?? false);
  readonly #busy = $derived(this.present?.training ?? false);
  readonly drives = $derived(this.present === null || this.present.driver === TAB || this.present.driver === "");
  readonly line = $derived<Timeline | null>(this.run?.timelines.find((one) => one.name === this.timeline) ?? null);
  // The last state there is on this timeline.
  readonly last = $derived(
    Math.max(this.line?.steps ?? 0, this.present?.timeline === this.timeline ? this.present.step : 0),
  );
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

  #pinned = { key: "", step: 0 };
  #told = 0;
  #settled: ReturnType<typeof setTimeout> | undefined;
  #historyAsked = 0;
  #wanted: Place = {}; // what the address asked for, until it is there
  #socket: WebSocket | null = null;
  #ahead = 0; // steps that are asked for and not begun
  #advancing = false;
  #idle: (() => void)[] = []; // to be called once nothing trains
  #moments = new Latest<null>(() => this.#look());
  #goes = new Latest<{ timeline: string; step: number }>(async (place) => {
    await this.#command("go", place);
  });

  // --- beginning ---------------------------------------------------------------------------------------------

  begin(): void {
    this.hide = hidden(location.hash);
    this.#wanted = read(location.hash);
    addEventListener("hashchange", () => {
      this.#wanted = read(location.hash);
      this.hide = hidden(location.hash);
      void this.#arrive();
    });
    $effect(() => {
      const place: Place = { run: this.run?.key, timeline: this.timeline, step: this.step, of: this.of, row: this.row };
      if (this.phase !== null) place.phase = this.phase;
      if (this.weight) place.weight = this.weight;
      if (this.tour) place.tour = this.tour;
      const hash = write(place, this.hide);
      const timer = setTimeout(() => this.run && history.replaceState(null, "", hash), 250);
      return () => clearTimeout(timer);
    });
    $effect(() => {
      void [this.run?.key, this.query, this.by, this.opened];
      if (this.run) void this.#moments.ask(null);
    });
    this.#listen();
  }

  address(): string {
    const { run, timeline, step, of, row } = this;
    const place: Place = { run: run?.key, timeline, step, of, row, weight: this.weight ?? undefined };
    return location.origin + location.pathname + write(place, this.hide);
  }

  #listen(): void {
    this.present = null; // another server counts its news anew
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/news?tab=${TAB}`);
    this.#socket = socket;
    let was = false;
    socket.onopen = async () => {
      was = true;
      this.#pinned = { key: "", step: 0 }; // another server knows no drawings
      try {
        this.shelf = await ask("shelf", {});
        const run = await ask("run", {});
        this.connection = "open";
        this.#opened(run);
        await this.#arrive();
      } catch (error) {
        this.#complain(error);
      }
    };
    socket.onmessage = (message) => this.#hear(JSON.parse(message.data as string) as News);
    socket.onclose = async () => {
      if (this.#socket !== socket) return;
      if (was && this.run && this.drives) this.#wanted = { ...read(this.address().split("#")[1] ?? ""), ...this.#wanted };
      if (this.connection !== "refused") this.connection = this.connection === "connecting" && !was ? "connecting" : "lost";
      if (!was) await this.#whetherRefused();
      setTimeout(() => this.#listen(), RECONNECT);
    };
  }

  // A WebSocket does not say why it was refused; a question does.
  async #whetherRefused(): Promise<void> {
    try {
      await ask("shelf", {});
    } catch (error) {
      if (error instanceof Trouble) this.connection = error.kind === "forbidden" ? "refused" : "lost";
    }
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
    if (news.run) this.#opened(news.run);
    if (news.present) this.#follow(news.present);
    if (news.epoch && news.timeline) this.#epoch(news.timeline, news.epoch);
    if (news.told) this.say(news.told);
    if (news.trouble) this.say(news.trouble, true);
  }

  #opened(run: Run): void {
    const other = run.key !== this.run?.key;
    this.run = run;
    if (other) {
      [this.layout, this.moment, this.weight, this.unit, this.phase] = [null, null, null, null, null];
      [this.histories, this.compared, this.features, this.weights] = [{}, [], {}, {}];
      [this.opened, this.#pinned] = ["", { key: "", step: 0 }];
      this.speed = run.weights <= SMALL ? WATCHED : null;
      this.row = Math.min(this.row, (run.rows["table"] ?? 1) - 1);
      const first = run.timelines[0]?.name ?? "main";
      const there = this.present?.run === run.key ? this.present : null;
      [this.timeline, this.step] = [there?.timeline ?? first, there?.step ?? 0];
    }
    void this.#readHistory(this.timeline);
  }

  // `own`: the answer to a command of this tab, which moves it; its other moves come back as news, and lag behind.
  #follow(present: Present, own = false): void {
    const before = this.present;
    if (before && present.number < before.number) return; // an answer that the news has overtaken
    this.present = present;
    if (!present.training) for (const go of this.#idle.splice(0)) go();
    if (present.run !== this.run?.key) return;
    if (present.training && present.E !== null && present.E !== undefined && present.timeline === this.timeline) {
      const { step, E } = this.growing;
      this.growing = { step: [...step, present.step - 1], E: [...E, present.E] };
    }
    const leads = this.drives ? !own && !present.training && !before?.training : !this.follows;
    if (!leads) this.#moveTo(present.timeline, present.step);
    const ended = before?.training && !present.training;
    if (ended || (present.training && performance.now() - this.#historyAsked > HISTORY_PAUSE)) {
      void this.#readHistory(present.timeline);
    }
  }

  #epoch(timeline: string, epoch: EpochPoint): void {
    const known = this.histories[timeline];
    if (!known || known.epochs.some((one) => one.epoch === epoch.epoch)) return;
    this.histories = { ...this.histories, [timeline]: { ...known, epochs: [...known.epochs, epoch] } };
  }

  async #readHistory(timeline: string): Promise<void> {
    this.#historyAsked = performance.now();
    const run = this.run?.key;
    try {
      const found = await ask("history", { timeline });
      if (this.run?.key !== run) return;
      this.histories = { ...this.histories, [timeline]: found };
      const end = found.step.at(-1) ?? -1;
      const { step, E } = this.growing;
      const kept = step.findIndex((one) => one > end);
      this.growing = kept < 0 ? { step: [], E: [] } : { step: step.slice(kept), E: E.slice(kept) };
    } catch (error) {
      this.#complain(error);
    }
  }

  // --- looking -----------------------------------------------------------------------------------------------

  async #look(): Promise<void> {
    const run = this.run?.key;
    const query = $state.snapshot(this.query);
    const key = [run, query.timeline, this.by, this.opened, query.of, query.row].join("\n");
    try {
      let layout = this.layout;
      if (layout === null || key !== this.#pinned.key) layout = await this.#choose(key, query);
      const [moment, drawn] = await this.#numbers(query, layout).catch(async (error) => {
        if (!(error instanceof Trouble) || error.kind !== "gone") throw error;
        layout = await this.#choose(key, query);
        return this.#numbers(query, layout);
      });
      if (this.run?.key !== run) return;
      [this.layout, this.moment, this.drawn] = [layout, moment, drawn];
      this.#settle(key);
    } catch (error) {
      if (this.run?.key === run) this.#complain(error);
    }
  }

  async #choose(key: string, query: MomentQuery): Promise<Layout> {
    const layout = await ask("layout", { ...query, by: this.by, opened: this.opened });
    this.#pinned = { key, step: query.step };
    return layout;
  }

  #numbers(query: MomentQuery, layout: Layout) {
    return Promise.all([
      ask("moment", { ...query, layout: layout.id }),
      askWeights({ ...query, layout: layout.id }),
    ]);
  }

  // Once nothing moves any more, far from where the drawing was chosen, it is chosen again.
  #settle(key: string): void {
    clearTimeout(this.#settled);
    this.#settled = setTimeout(() => {
      if (this.training || key !== this.#pinned.key || Math.abs(this.step - this.#pinned.step) < FAR) return;
      this.#pinned.key = "";
      void this.#moments.ask(null);
    }, SETTLED);
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
    if (this.drives) void this.#goes.ask({ timeline: this.timeline, step: this.step });
  }

  #moveTo(timeline: string, step: number): void {
    if (timeline !== this.timeline) {
      this.growing = { step: [], E: [] };
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
        await this.#goes.rest();
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
    void this.#goes.rest().then(() => this.#command("train", { steps: null, speed: this.speed }));
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
    await command("begin", query); // its trouble is shown where the form is
    this.shelf = await ask("shelf", {});
  }

  // Take the wheel, and stay where this tab is.
  async drive(): Promise<void> {
    const { timeline, step } = this;
    if (!(await this.#command("drive", {}))) return;
    if (!this.training) this.go(step, timeline);
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
      this.#follow(await command(name, query), name !== "go");
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #complain(error: unknown): void {
    if (error instanceof Trouble && error.kind === "unreachable") this.connection = "lost";
    else if (error instanceof Trouble && error.kind === "forbidden") this.connection = "refused";
    else if (error instanceof Trouble && error.kind === "not driving") this.#mustDrive();
    else this.say(error instanceof Error ? error.message : String(error), true);
  }
}

export const studio = new Studio();
