// The address names a moment, and how much of it is shown:
// #depth=everything&run=first&timeline=main&step=12&of=row&row=17&weight=w2[5, 1]. A teacher may add hide=setup,tour to
// leave views out.
import { isDepth, type Depth } from "./depth";

export interface Place {
  depth?: Depth;
  run?: string;
  timeline?: string;
  step?: number;
  phase?: number;
  of?: "row" | "batch";
  row?: number;
  weight?: string;
  tour?: number;
  names?: "textbook"; // how weights are called, where it is not by our names
  by?: "pull"; // what edges are as thick as, where it is not the weight
}

const NUMBERS = ["step", "phase", "row", "tour"] as const;
const WORDS = ["run", "timeline", "weight"] as const;

export function read(hash: string): Place {
  const entries = new URLSearchParams(hash.replace(/^#/, ""));
  const place: Place = {};
  for (const name of WORDS) {
    const value = entries.get(name);
    if (value) place[name] = value;
  }
  for (const name of NUMBERS) {
    const value = entries.get(name);
    if (value && /^\d+$/.test(value)) place[name] = Number(value);
  }
  const depth = entries.get("depth");
  if (isDepth(depth)) place.depth = depth;
  const of = entries.get("of");
  if (of === "row" || of === "batch") place.of = of;
  if (entries.get("by") === "pull") place.by = "pull";
  if (entries.get("names") === "textbook") place.names = "textbook";
  return place;
}

export function hidden(hash: string): Set<string> {
  const names = new URLSearchParams(hash.replace(/^#/, "")).get("hide") ?? "";
  return new Set(names.split(",").filter(Boolean));
}

export function write(place: Place, hide: Set<string>): string {
  const entries = new URLSearchParams();
  for (const [name, value] of Object.entries(place)) if (value !== undefined) entries.set(name, String(value));
  if (hide.size) entries.set("hide", [...hide].join(","));
  return `#${entries.toString()}`;
}
