import { describe, expect, it } from "vitest";
import type { Setting, Table, TableColumn } from "../messages";
import {
  command,
  few,
  forLearning,
  forWork,
  inputs,
  kindOf,
  layers,
  matching,
  mayBeEither,
  readings,
  size,
  stuck,
  summary,
  tooLarge,
  troubles,
  useful,
  type Choice,
} from "./form";

const column = (name: string, kind: string, missing = 0, distinct = 50, examples = ["1", "2"]): TableColumn => ({
  name,
  kind,
  missing,
  distinct,
  examples,
  why: kind === "drop" ? `${name} is left out: it numbers the rows` : "",
  trouble: "",
  question: null,
});
const setting = (name: string, kind: Setting["kind"], more: Partial<Setting> = {}): Setting => ({
  name,
  label: name,
  part: "training",
  usual: true,
  help: "",
  value: "",
  none: "",
  kind,
  names: [],
  allowed: "right",
  least: null,
  above: null,
  below: null,
  whole: false,
  ...more,
});
const offer = {
  settings: [
    setting("hidden", "units", { value: "128,128" }),
    setting("activation", "names", { value: "relu", names: ["relu", "tanh"] }),
    setting("loss", "names", { none: "the usual", names: ["huber"] }),
    setting("rate", "number", { value: "0.001", above: 0 }),
    setting("epochs", "number", { whole: true, least: 1 }),
    setting("dropout", "number", { value: "0.15", least: 0, below: 1 }),
  ],
  small: { hidden: "3", activation: "tanh", rate: "0.05", epochs: "30", dropout: "0" },
};
const { settings } = offer;
const table: Table = {
  key: "houses",
  name: "houses",
  rows: 100,
  columns: [
    column("id", "drop", 0, 100),
    column("price", "number", 0, 90),
    column("area", "number", 0, 80),
    column("lot", "number", 20, 95),
    column("grade", "number", 0, 12),
    column("lat", "number", 0, 85),
    column("view", "boolean", 0, 2, ["yes", "no"]),
    column("<img src=x onerror=alert(1)>", "category", 0, 5, ["a", "b"]),
  ],
  head: [],
  notices: [],
  target: "price",
  task: "regression",
  trouble: "",
  decimal: null,
  date_order: null,
  missing: "",
};
const choice = (changes: Partial<Choice> = {}): Choice => ({
  ticked: new Set(useful(table)),
  kinds: {},
  task: null,
  settings: forWork(offer),
  ...changes,
});

describe("columns", () => {
  it("never the target, and by themselves none of no use", () => {
    expect(inputs(table).map((one) => one.name)).not.toContain("price");
    expect(useful(table)).toEqual(["area", "lot", "grade", "lat", "view", "<img src=x onerror=alert(1)>"]);
  });

  it("for learning: numbers without gaps, in the table's order", () => {
    expect(few(table)).toEqual(["area", "grade", "lat"]);
    const words = {
      ...table,
      columns: [column("y", "number"), column("a", "category", 0, 9), column("b", "boolean", 0, 2)],
      target: "y",
    };
    expect(few(words)).toEqual(["a", "b"]);
    expect(few({ ...table, columns: [column("price", "number"), column("id", "drop")] })).toEqual([]);
  });

  it("are found by a part of their name", () => {
    expect(matching(table.columns, " LA ").map((one) => one.name)).toEqual(["lat"]);
    expect(matching(table.columns, "IMG")).toHaveLength(1);
    expect(matching(table.columns, "")).toHaveLength(8);
  });

  it("have the kind that was guessed, chosen, or is likeliest for one that was left out", () => {
    expect(kindOf(column("a", "number"), {})).toBe("number");
    expect(kindOf(column("a", "number"), { a: "category" })).toBe("category");
    expect(kindOf(column("a", "drop"), {})).toBe("number");
    expect(kindOf(column("a", "drop", 0, 9, ["x"]), {})).toBe("category");
  });

  it("with few different numbers may be classes", () => {
    expect(mayBeEither(table)).toBe(false);
    expect(mayBeEither({ ...table, target: "grade" })).toBe(true);
    expect(mayBeEither({ ...table, target: "<img src=x onerror=alert(1)>" })).toBe(false);
  });
});

describe("a column with two readings", () => {
  const question = { option: "decimal" as const, entry: "63,775", readings: { ".": "63775", ",": "63.775" } };
  const preis = { ...column("preis", "number"), trouble: "preis is '63,775', which may be ...", question };
  const doubtful = { ...table, columns: [...table.columns, preis] };
  const wanted = choice({ ticked: new Set(useful(doubtful)) });

  it("keeps a run from beginning while it is wanted as numbers", () => {
    expect(stuck(doubtful, wanted)).toEqual([preis]);
    expect(troubles(wanted, settings, doubtful).columns).toBe("preis cannot be used yet: see below.");
    expect(stuck(doubtful, { ...wanted, kinds: { preis: "category" } })).toEqual([]);
    expect(stuck(doubtful, { ...wanted, kinds: { preis: "number" } })).toEqual([preis]);
    expect(stuck(doubtful, choice())).toEqual([]);
    expect(stuck({ ...doubtful, target: "preis" }, wanted)).toEqual([]);
    expect(troubles(choice(), settings, doubtful)).toEqual({});
  });

  it("can be answered with what fits it", () => {
    expect(readings("decimal", question)).toEqual([
      ["", "choose"],
      [".", "point: 63775"],
      [",", "comma: 63.775"],
    ]);
    const dates = { option: "date_order" as const, entry: "3/6/19", readings: { mdy: "2019-03-06", dmy: "2019-06-03" } };
    expect(readings("date_order", dates).map(([value]) => value)).toEqual(["", "dmy", "mdy"]);
    expect(readings("decimal").map(([, name]) => name)).toEqual(["automatic", "point", "comma"]);
    expect(readings("date_order").map(([value]) => value)).toEqual(["", "dmy", "mdy", "ymd"]);
  });

  it("is begun on as it was read", () => {
    expect(command(table, choice(), settings)).toMatchObject({ decimal: null, date_order: null, missing: "" });
    expect(command({ ...table, decimal: ",", date_order: "dmy", missing: "-1" }, choice(), settings)).toMatchObject({
      decimal: ",",
      date_order: "dmy",
      missing: "-1",
    });
  });
});

describe("fields", () => {
  it("hidden layers", () => {
    expect(layers("128, 128")).toEqual([128, 128]);
    expect(layers(" 64  32,16 ")).toEqual([64, 32, 16]);
    expect(layers("")).toEqual([]);
    for (const wrong of ["0", "1.5", "a", "128, b"]) expect(layers(wrong)).toBeNull();
  });

  it("say what is wrong with them", () => {
    expect(troubles(choice(), settings)).toEqual({});
    expect(troubles(choice({ settings: forLearning(offer) }), settings)).toEqual({});
    const typed = (part: Record<string, string>) =>
      Object.keys(troubles(choice({ settings: { ...forWork(offer), ...part } }), settings));
    for (const [name, texts] of Object.entries({
      hidden: ["x", "0"],
      activation: ["rellu"],
      rate: ["0", "-1", "much", "Infinity"],
      epochs: ["1.5", "0", "none"],
      dropout: ["1", "-0.1"],
    })) {
      for (const text of texts) expect(typed({ [name]: text })).toEqual([name]);
    }
    expect(typed({ hidden: "", rate: " ", epochs: "", dropout: "0.999", loss: "huber" })).toEqual([]);
    expect(troubles(choice({ settings: { ...forWork(offer), rate: "0" } }), settings)).toEqual({
      rate: "It must be right.",
    });
    expect(Object.keys(troubles(choice({ ticked: new Set() }), settings))).toEqual(["columns"]);
  });
});

describe("the command", () => {
  it("leaves the defaults to the server", () => {
    const made = command(table, choice(), settings);
    expect(made).toMatchObject({ table: "houses", target: "price", columns: null, kinds: {}, task: null, settings: {} });
  });

  it("tells what is chosen", () => {
    const made = command(
      table,
      choice({ ticked: new Set(few(table)), settings: forLearning(offer), task: "classification" }),
      settings,
    );
    expect(made).toMatchObject({ columns: ["area", "grade", "lat"], task: "classification", settings: offer.small });
  });

  it("gives a kind to what was left out, and to what was changed", () => {
    const ticked = new Set(["id", "area", "grade"]);
    expect(
      command(table, choice({ ticked, kinds: { grade: "category", lat: "category", area: "number" } }), settings),
    ).toMatchObject({
      columns: ["id", "area", "grade"],
      kinds: { id: "number", grade: "category" },
    });
  });

  it("may have no hidden layer", () => {
    const none = choice({ settings: { ...forWork(offer), hidden: "" } });
    expect(command(table, none, settings).settings).toEqual({ hidden: "" });
    expect(summary(table, none)).toBe("6 columns → price");
    expect(summary(table, choice())).toBe("6 columns → 128 → 128 → price");
  });
});

describe("files", () => {
  it("have a size", () => {
    expect([10, 5_300, 4_210_000, 64_000_000].map(size)).toEqual(["1 kB", "5 kB", "4.2 MB", "64 MB"]);
  });

  it("may be too large", () => {
    const limit = { upload_limit: 64_000_000 };
    expect(tooLarge({ name: "a.csv", size: 64_000_000 }, limit)).toBe("");
    expect(tooLarge({ name: "a.csv", size: 80_000_000 }, limit)).toMatch(/a\.csv has 80 MB.*64 MB/);
  });
});
