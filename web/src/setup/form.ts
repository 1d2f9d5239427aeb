// What is chosen for a run, as it stands in the fields, and the command that it becomes.
import { count } from "../lib/words";
import type { Begin, Question, Setting, Shelf, Table, TableColumn, TableQuery } from "../messages";

export const KINDS = ["number", "category", "boolean", "date"] as const;
export const TASKS = { regression: "a number", classification: "a class" } as const;
// How fields are read that can be read in two ways; "" where the columns show it.
export const READINGS = {
  decimal: { label: "Decimal mark", names: { ".": "point", ",": "comma" } },
  date_order: {
    label: "Order of dates",
    names: { dmy: "day-month-year", mdy: "month-day-year", ymd: "year-month-day" },
  },
} as const;
export type Reading = Pick<Required<TableQuery>, "decimal" | "date_order" | "missing">;
type Task = keyof typeof TASKS;

// The settings by their names, as they are typed; an empty field takes the default.
export type Settings = Readonly<Record<string, string>>;

export interface Choice {
  ticked: ReadonlySet<string>;
  kinds: Readonly<Record<string, string>>; // where they are not what was guessed
  task: Task | null; // null: what was guessed
  settings: Settings;
}

type Offer = Pick<Shelf, "settings" | "small">;

// What is begun with: for work the defaults, shown so that one knows what one gets; for learning what can be followed.
export const forWork = (offer: Offer): Settings =>
  Object.fromEntries(offer.settings.map((one) => [one.name, one.value]));
export const forLearning = (offer: Offer): Settings => ({ ...forWork(offer), ...offer.small });

const FEW = 3; // columns to learn with
const MANY_CLASSES = 20; // a number with more different values is not taken for classes
const DROP = "drop";

// --- columns -----------------------------------------------------------------------------------------------------

export const inputs = (table: Table): TableColumn[] => table.columns.filter((one) => one.name !== table.target);

export const useful = (table: Table): string[] => inputs(table).flatMap((one) => (one.kind === DROP ? [] : [one.name]));

// Numbers with few gaps and many different values; where there are too few, other columns with few levels.
export function few(table: Table): string[] {
  const rank = (one: TableColumn) => (one.kind === "number" ? 0 : one.kind === "boolean" ? 1 : 2);
  const order = inputs(table)
    .filter((one) => one.kind !== DROP)
    .sort(
      (a, b) =>
        rank(a) - rank(b) || a.missing - b.missing || (rank(a) ? a.distinct - b.distinct : b.distinct - a.distinct),
    );
  const numbers = order.filter((one) => one.kind === "number").slice(0, FEW);
  const chosen = new Set((numbers.length ? numbers : order.slice(0, FEW)).map((one) => one.name));
  return useful(table).filter((name) => chosen.has(name));
}

// A column that was left out needs a kind once it is wanted.
export function kindOf(column: TableColumn, kinds: Choice["kinds"]): string {
  return kinds[column.name] ?? (column.kind === DROP ? likeliest(column) : column.kind);
}

const likeliest = (column: TableColumn): string =>
  column.examples.length > 0 && column.examples.every((text) => Number.isFinite(Number(text))) ? "number" : "category";

// Numbers with few different values may be classes.
export function mayBeEither(table: Table): boolean {
  const target = table.columns.find((one) => one.name === table.target);
  return (
    target !== undefined && target.distinct <= MANY_CLASSES && (target.kind === "number" || target.kind === "boolean")
  );
}

// Columns that are wanted, and cannot be learnt from as what they are taken for.
export const stuck = (table: Table, choice: Choice): TableColumn[] =>
  inputs(table).filter(
    (one) => one.trouble !== "" && choice.ticked.has(one.name) && kindOf(one, choice.kinds) !== "category",
  );

// What can be chosen for a reading: of a question only what answers it, with what it makes of the entry.
export function readings(option: Question["option"], question: Question | null = null): [string, string][] {
  const names = Object.entries<string>(READINGS[option].names);
  if (!question) return [["", "automatic"], ...names];
  const fit = names.filter(([value]) => value in question.readings);
  return [["", "choose"], ...fit.map(([value, name]): [string, string] => [value, `${name}: ${question.readings[value]}`])];
}

// Column names in which a text occurs, in whatever case.
export function matching(columns: TableColumn[], text: string): TableColumn[] {
  const wanted = text.trim().toLowerCase();
  return wanted ? columns.filter((one) => one.name.toLowerCase().includes(wanted)) : columns;
}

// --- settings ----------------------------------------------------------------------------------------------------

// "128, 128" as a list; [] for no hidden layer; null where it cannot be read.
export function layers(text: string): number[] | null {
  const units = text.split(/[\s,]+/).filter(Boolean).map(Number);
  return units.every((one) => Number.isInteger(one) && one >= 1) ? units : null;
}

// Whether a setting may have what was typed.
function fits(one: Setting, text: string): boolean {
  if (one.kind === "names") return text === "" || one.names.includes(text);
  if (one.kind === "units") return layers(text) !== null;
  if (text.trim() === "") return true;
  const value = Number(text);
  return (
    (one.whole ? Number.isInteger(value) : Number.isFinite(value)) &&
    !(one.least !== null && value < one.least) &&
    !(one.above !== null && value <= one.above) &&
    !(one.below !== null && value >= one.below)
  );
}

// What is wrong, by the names of settings; and with "columns".
export function troubles(choice: Choice, settings: readonly Setting[], table: Table | null = null): Record<string, string> {
  const wrong = settings.filter((one) => !fits(one, choice.settings[one.name] ?? ""));
  const lines = Object.fromEntries(wrong.map((one) => [one.name, `It must be ${one.allowed}.`]));
  if (choice.ticked.size === 0) lines.columns = "Tick at least one column to learn from.";
  const open = table ? stuck(table, choice).map((one) => one.name) : [];
  if (open.length) lines.columns = `${open.join(", ")} cannot be used yet: see below.`;
  return lines;
}

// The command; what is as the server would choose it is left to the server.
export function command(table: Table, choice: Choice, settings: readonly Setting[]): Begin {
  const { ticked, task } = choice;
  const columns = inputs(table).filter((one) => ticked.has(one.name));
  const kinds = Object.fromEntries(
    columns.flatMap((one) => {
      const kind = kindOf(one, choice.kinds);
      return kind === one.kind ? [] : [[one.name, kind]];
    }),
  );
  const names = columns.map((one) => one.name);
  const changed = settings.flatMap((one) => {
    const text = (choice.settings[one.name] ?? "").trim();
    return text === one.value || (text === "" && one.kind !== "units") ? [] : [[one.name, text]];
  });
  return {
    table: table.key,
    target: table.target,
    columns: names.join("\n") === useful(table).join("\n") ? null : names,
    kinds,
    task,
    settings: Object.fromEntries(changed),
    decimal: table.decimal,
    date_order: table.date_order,
    missing: table.missing,
  };
}

// In one line, what is going to be: "11 columns → 128 → 128 → price".
export function summary(table: Table, choice: Choice): string {
  const hidden = layers(choice.settings["hidden"] ?? "") ?? [];
  const n = choice.ticked.size;
  return [count(n, "column"), ...hidden.map((units) => count(units)), table.target].join(" → ");
}

// --- files -------------------------------------------------------------------------------------------------------

export function size(bytes: number): string {
  if (bytes < 1e6) return `${count(Math.max(1, Math.round(bytes / 1e3)))} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

export function tooLarge(file: { name: string; size: number }, shelf: Pick<Shelf, "upload_limit">): string {
  if (file.size <= shelf.upload_limit) return "";
  return (
    `${file.name} has ${size(file.size)}, and at most ${size(shelf.upload_limit)} are taken here. ` +
    "Name the file when you start the studio instead: backlit studio TABLE."
  );
}
