import { expect, test } from "vitest";
import type { Questions } from "../messages";
import { Called, lowered } from "./names.svelte";
import type { Source } from "./source";

test("indices stand low, and a name is whole again when its parts are joined", () => {
  const text = "The weight w2_21 of ∂E/∂w1_1,12 multiplies x_3.";
  const parts = lowered(text);
  expect(parts.map(({ low }) => low).filter(Boolean)).toEqual(["21", "1,12", "3"]);
  expect(parts.map(({ text, low }) => text + (low && `_${low}`)).join("")).toBe(text);
  for (const own of ["w1[sqft_living, 2]", "sqft_living", "year_2014_on", "", "_2"]) {
    expect(lowered(own).every(({ low }) => low === "")).toBe(true);
  }
});

test("what is wanted is asked for at once, and known from then on", async () => {
  const asked: string[][] = [];
  const source = {
    ask: async (_: string, query: Questions["names"]["query"]) => {
      asked.push(query.names);
      return { textbook: query.names.map((name) => name.toUpperCase()) };
    },
  } as unknown as Source;
  const where = { run: "first", timeline: "main" };
  const names = new Called(source, () => where, () => expect.unreachable());
  expect(names.of("w1")).toBe("w1");
  names.choose("textbook");
  expect([names.of("w1"), names.of("w2"), names.of("w1")]).toEqual(["w1", "w2", "w1"]);
  await new Promise((done) => setTimeout(done));
  expect(asked).toEqual([["w1", "w2"]]);
  expect([names.of("w1"), names.of("w2")]).toEqual(["W1", "W2"]);
  where.timeline = "fork";
  expect(names.of("w1")).toBe("w1");
});
