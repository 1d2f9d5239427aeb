// The page: the moment that it looks at, what it knows, and how both change. Views read them.
import { tick } from "svelte";
import type { Commands, EpochPoint, News, Standings, Training as Steps } from "../messages";
import { hidden, read, write, type Place } from "./address";
import { depthAt, remember, SHOWS, VIEWS, type Depth } from "./depth";
import { Drawing } from "./drawing.svelte";
import { keep, kept } from "./kept";
import { Latest } from "./latest";
import { Known } from "./known.svelte";
import { Moment, type By } from "./moment.svelte";
import { Called } from "./names.svelte";
import { Notices } from "./notices.svelte";
import { Server } from "./server";
import { messageOf, unanswered, type Connection, type Source } from "./source";
import { SMALL, Training } from "./training.svelte";
import { count } from "./words";

const THICK = "thick"; // by what edges are as thick

type Changes = Omit<Commands["fork"]["query"], "run" | "timeline" | "step">;

const REST = 150; // ms between two updates of a large network

export class Studio {
  connection = $state<Connection>("connecting");
  compared = $state.raw<string[]>([]); // timelines overlaid on the present one
  depth = $state<Depth>("picture");
  hide = $state.raw<Set<string>>(new Set());
  only = $state.raw<readonly string[] | null>(null); // the views that a stop of the tour is about; null: all
  tour = $state<number | null>(null); // the stop of the tour, from 1
  setUp = $state(false); // whether the set-up is open
  standings = $state.raw<Standings | null>(null); // of the race of learning rates that was heard of last
  bets = $state(false); // whether a bet on the next step is open
  help = $state(false); // whether the list of keys is open

  // Whose error the E that is shown is: it is never named without them.
  readonly whose = $derived.by(() => {
    const [{ house }, { numbers }] = [this.known, this.drawing];
    if (numbers?.of !== "batch") return `this ${house}`;
    return `this step’s ${numbers.n === 1 ? house : count(numbers.n, house)}`;
  });

  // ms between two questions of what nobody could follow more often, while it plays.
  readonly pace = $derived.by(() => (this.training.plays ? 250 : 0));
  // The same of what stands beside the network: of a small one it comes at once.
  readonly pause = $derived.by(() => ((this.known.run?.weights ?? 0) > SMALL ? this.pace : 0));

  readonly notices = new Notices();
  readonly known: Known;
  readonly moment: Moment;
  readonly training: Training;
  readonly drawing: Drawing;
  readonly names: Called;

  constructor(readonly source: Source) {
    const complain = (error: unknown) => this.complain(error);
    this.known = new Known(source, complain);
    this.moment = new Moment(this.known);
    this.training = new Training(source, this.known, this.moment, this.notices);
    const where = () => ({ run: this.moment.query.run, timeline: this.moment.timeline });
    this.names = new Called(source, where, complain);
    this.drawing = new Drawing(source, this.moment, complain, () => !this.training.plays);
  }

  // --- beginning ---------------------------------------------------------------------------------------------

  begin(): void {
    this.#show(location.hash);
    addEventListener("hashchange", (event) => {
      const { hash } = new URL(event.newURL); // ours may stand in the address again by now
      this.#show(hash);
      void this.#arrive(read(hash));
    });
    $effect(() => {
      const { phase } = this.moment;
      const { tour } = this;
      const place = { ...this.#place, depth: tour === null ? this.depth : undefined }; // each stop has its own depth
      const hash = () => write({ ...place, phase: phase ?? undefined, tour: tour ?? undefined }, this.hide);
      const timer = setTimeout(
        () => this.known.run && history.replaceState(null, "", hash()),
        this.training.plays ? 1000 : 250,
      );
      return () => clearTimeout(timer);
    });
    $effect(() => {
      if (this.setUp) this.depth = "everything"; // where it has its place
    });
    $effect(() => {
      const { query, by, opened, astray } = this.moment;
      void [by, opened, astray];
      if (query.run) this.drawing.look(query);
    });
    this.source.listen(
      (news) => this.#hear(news),
      (how) => void this.#connected(how),
    );
  }

  address(): string {
    return location.origin + location.pathname + write(this.#place, this.hide);
  }

  get #place(): Place {
    const names = this.names.now === "textbook" ? this.names.now : undefined;
    return { depth: this.depth, ...this.moment.place, names };
  }

  #show(hash: string): void {
    const place = read(hash);
    if (place.tour !== undefined && place.tour === this.tour) return; // its stop has set the page
    [this.hide, this.only] = [hidden(hash), null];
    this.depth = depthAt(place);
    this.moment.by = place.by ?? (kept(THICK) === "pull" ? "pull" : this.moment.by);
    if (place.names) this.names.now = place.names;
    if (place.depth) remember(place.depth);
  }

  // From now on, and the next time.
  show(depth: Depth): void {
    this.depth = depth;
    remember(depth);
  }

  thick(by: By): void {
    this.moment.by = by;
    keep(THICK, by);
  }

  // A server may be another one than before: what it knows is asked again, and this page stays where it was.
  async #connected(how: Connection): Promise<void> {
    if (how !== "open") {
      this.connection = how;
      if (how === "lost") this.training.forget();
      return;
    }
    this.drawing.forget();
    this.known.forget();
    try {
      await this.known.look();
      if (this.known.run) {
        this.known.opened(await this.source.ask("run", { run: this.known.run.key }));
        this.moment.go(this.moment.step);
        this.drawing.look(this.moment.query);
      } else if (!(await this.#arrive(read(location.hash)))) {
        await this.open(this.known.shelf!.opens);
      }
      this.connection = "open";
    } catch (error) {
      this.complain(error);
    }
  }

  // Go where an address says; whether its run, or any, is open.
  async #arrive({ run, ...place }: Place): Promise<boolean> {
    if (!(await this.open(run ?? this.known.run?.key ?? this.known.shelf!.opens))) return false;
    const { moment } = this;
    if (place.row !== undefined) moment.row = Math.min(place.row, (this.known.run!.rows ?? 1) - 1);
    if (place.of) moment.of = place.of;
    if (place.weight) moment.weight = place.weight;
    if (place.phase !== undefined) moment.phase = Math.min(place.phase, moment.phases.length - 1);
    if (place.tour !== undefined) this.tour = place.tour;
    const timeline = place.timeline ?? moment.timeline;
    if (!this.known.line(timeline)) this.notices.say(`This run has no timeline “${timeline}”.`, true);
    else if (place.timeline !== undefined || place.step !== undefined) this.go(place.step ?? 0, timeline);
    return true;
  }

  #hear(news: News): void {
    const { training } = news;
    if (news.shelf) this.known.shelf = news.shelf;
    if (news.run && news.run.key === this.known.run?.key) {
      this.known.opened(news.run);
      if (!this.standings?.lanes.some((lane) => this.known.line(lane.timeline))) this.standings = null;
      if (!this.moment.line) this.visit(this.known.line(news.run.opens)?.name ?? news.run.timelines[0]!.name); // it was forgotten
    }
    if (news.epoch && training?.run === this.known.run?.key) this.#epochs.push(news.epoch);
    if (news.standings) {
      this.standings = news.standings;
      for (const { timeline, step, E } of news.standings.lanes) this.known.made({ ...training!, timeline, step, E });
    }
    if (training?.running && this.training.plays && !news.run) void this.#steps.ask(training);
    else if (training) {
      this.#steps.forget(); // this is newer
      this.#made(training);
    }
    if (news.notice) this.notices.say(news.notice);
  }

  // While the page moves with a training, it hears of the next step once the last one is drawn: all is drawn at once then.
  // A large network leaves most of the time to its training.
  #steps = new Latest<Steps>(async (training) => {
    this.#made(training);
    await tick();
    await this.drawing.drawn;
    if (this.pause) await new Promise((go) => setTimeout(go, REST));
  });

  #epochs: EpochPoint[] = []; // that have ended since

  #made(training: Steps): void {
    this.training.hear(training);
    const epochs = this.#epochs.splice(0);
    if (training.run === this.known.run?.key) this.known.ended(training.timeline, epochs);
  }

  // --- moving ------------------------------------------------------------------------------------------------

  go(step: number, timeline = this.moment.timeline): void {
    this.training.leave();
    this.moment.go(step, timeline);
  }

  // To a timeline, at the same step where there is one, and to what it learns from.
  visit(timeline: string): void {
    this.go(Math.min(this.moment.step, this.known.last(timeline)), timeline);
    this.moment.follow();
  }

  // So many steps on: along what is recorded, and beyond its end by training.
  forward(steps = 1): void {
    const { moment, training } = this;
    if (training.plays) return;
    if (moment.step + steps <= moment.last) moment.go(moment.step + steps);
    else training.on(steps);
  }

  back(steps = 1): void {
    this.go(this.moment.step - steps);
  }

  // To the next phase of this step, and from the last one to the next step.
  forwardPhase(): void {
    const { moment } = this;
    const next = (moment.phase ?? -1) + 1;
    if (next < moment.phases.length) {
      moment.phase = next;
      return;
    }
    moment.phase = 0;
    this.forward();
  }

  backPhase(): void {
    const { moment } = this;
    const before = (moment.phase ?? moment.phases.length) - 1;
    if (before >= 0) {
      moment.phase = before;
      return;
    }
    if (moment.step === 0) return;
    moment.phase = moment.phases.length - 1;
    this.back();
  }

  // --- runs and timelines ------------------------------------------------------------------------------------

  // Whether it is open.
  async open(key: string): Promise<boolean> {
    const before = this.known.run?.key;
    if (key === before) return true;
    try {
      this.known.opened(await this.source.ask("run", { run: key }));
    } catch (error) {
      this.complain(error);
      return false;
    }
    this.drawing.clear();
    this.compared = [];
    this.moment.enter(before);
    this.training.opened();
    return true;
  }

  // Start over from this moment, with something changed. Throws the trouble that hinders it.
  async fork(changes: Changes): Promise<void> {
    const { timeline, step, query } = this.moment;
    const weights = { ...this.moment.weights, ...changes.weights };
    const run = await this.source.command("fork", { run: query.run, timeline, step, ...changes, weights });
    this.known.opened(run);
    this.go(step, run.timelines.at(-1)!.name);
    if (!this.compared.includes(timeline)) this.compared = [...this.compared, timeline];
  }

  // Its trouble is shown where the form is.
  async beginRun(query: Commands["begin"]["query"]): Promise<void> {
    const { run, notices } = await this.source.command("begin", query);
    await this.known.look();
    await this.open(run);
    for (const notice of notices) this.notices.say(notice);
  }

  // The key of a table that is handed over.
  async upload(file: File): Promise<string> {
    const { key } = await this.source.upload(file);
    await this.known.look();
    return key;
  }

  compare(timeline: string): void {
    const there = this.compared.includes(timeline);
    this.compared = there ? this.compared.filter((one) => one !== timeline) : [...this.compared, timeline];
    if (!this.known.histories[timeline]) void this.known.read(timeline);
  }

  shows(view: string): boolean {
    if (this.hide.has(view) || (this.only && VIEWS.includes(view) && !this.only.includes(view))) return false;
    return SHOWS[view]?.[this.depth](this) ?? true;
  }

  // What no view shows itself.
  complain(error: unknown): void {
    if (!unanswered(error)) this.notices.say(messageOf(error), true);
  }
}

export const studio = new Studio(new Server());
