// How weights, inputs and units are called on the page: by their own names, or by the textbooks', which Python knows.
import type { WeightQuery } from "../messages";
import { keep, kept } from "./kept";
import type { Source } from "./source";

export type Names = NonNullable<WeightQuery["names"]>;
export const NAMES: Names[] = ["own", "textbook"];

const KEY = "names";

export class Called {
  now = $state<Names>(kept(KEY) === "textbook" ? "textbook" : "own");
  #known = $state.raw<Record<string, string>>({}); // by where it was asked, and the own name
  #wanted = new Set<string>();

  constructor(
    private readonly source: Source,
    private readonly where: () => { run: string; timeline: string },
    private readonly complain: (error: unknown) => void,
  ) {}

  choose(names: Names): void {
    this.now = names;
    keep(KEY, names);
  }

  // What something is called now, by its own name; that name as long as Python has not answered.
  of(name: string): string {
    if (this.now === "own" || !name) return name;
    const known = this.#known[this.#key(name)];
    if (known === undefined) this.#want(name);
    return known ?? name;
  }

  #key(name: string, { run, timeline } = this.where()): string {
    return JSON.stringify([run, timeline, name]);
  }

  // All that is wanted while the page is drawn is asked for at once.
  #want(name: string): void {
    if (this.#wanted.size === 0) queueMicrotask(() => void this.#ask());
    this.#wanted.add(name);
  }

  async #ask(): Promise<void> {
    const [names, where] = [[...this.#wanted], this.where()];
    this.#wanted.clear();
    if (!where.run) return;
    try {
      const { textbook } = await this.source.ask("names", { ...where, names });
      const answered = names.map((name, i) => [this.#key(name, where), textbook[i]!] as const);
      this.#known = { ...this.#known, ...Object.fromEntries(answered) };
    } catch (error) {
      this.complain(error);
    }
  }
}

// A text, cut into what stands on the line and what below it: w1_12 is "w1" and "12". What is read aloud and copied
// stays w1_12.
export function lowered(text: string): { text: string; low: string }[] {
  const parts: { text: string; low: string }[] = [];
  let from = 0;
  for (const match of text.matchAll(/(?<![\p{L}\d_])(\p{L}+\d*)_(\d+(?:,\d+)?)(?![\p{L}\d_])/gu)) {
    const end = match.index + match[1]!.length;
    parts.push({ text: text.slice(from, end), low: match[2]! });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), low: "" });
  return parts;
}
