import { expect, test, vi } from "vitest";
import { beginning, film, pulled, wave } from "./film";

test("a film takes 2.4 seconds, however deep the network, and goes back from the last layer to the first", () => {
  for (const layers of [1, 2, 5]) {
    const beats = film(layers, false);
    expect(beats.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(2400);
    const numbers = Array.from({ length: layers }, (_, i) => i + 1);
    expect(beats.filter((one) => one.kind === "backward").map((one) => one.layer)).toEqual(numbers.toReversed());
    expect(beats.filter((one) => one.kind === "forward").map((one) => one.layer)).toEqual(numbers);
    const order = ["miss", "backward", "change", "forward", "guess"] as const;
    expect(order.map((kind) => beginning(beats, kind))).toEqual([0, 1, layers + 1, layers + 2, 2 * layers + 2]);
    expect(wave(layers).map((one) => one.layer)).toEqual(numbers);
  }
});

test("four stills where nothing may move", () => {
  expect(film(3, true).map(({ kind, layer }) => [kind, layer])).toEqual([
    ["miss", 0],
    ["backward", 1],
    ["change", 0],
    ["guess", 0],
  ]);
});

test("edges swell layer by layer, and ebb away when the weights change", () => {
  const beats = film(2, false);
  expect(beats.map((_, at) => pulled(beats, at))).toEqual([Infinity, 2, 1, Infinity, Infinity, Infinity, Infinity]);
});

test("the new numbers are shown where the film comes to them, and not before they are there", async () => {
  vi.useFakeTimers();
  const { Press } = await import("./press.svelte");
  const press = new Press();
  const before = {} as NonNullable<typeof press.before>;
  let there = false;
  press.begin(before, film(2, false), () => there);
  expect([press.beat?.kind, press.drawn === before, press.guess === before]).toEqual(["miss", true, true]);
  vi.advanceTimersByTime(5000);
  expect([press.beat?.kind, press.drawn === before]).toEqual(["backward", true]);
  there = true;
  vi.advanceTimersByTime(20);
  expect([press.beat?.kind, press.drawn, press.guess === before]).toEqual(["change", null, true]);
  vi.advanceTimersByTime(760 + 380);
  expect([press.beat?.kind, press.guess]).toEqual(["guess", null]);
  vi.advanceTimersByTime(340);
  expect([press.beat, press.before]).toEqual([null, null]);
  press.begin(before, film(2, false));
  press.end();
  expect([press.drawn, press.guess, press.pulled]).toEqual([null, null, Infinity]);
  vi.useRealTimers();
});
