import { expect, test } from "vitest";
import { Latest } from "./latest";

test("one question at a time, then the newest; what was asked in between is never sent", async () => {
  const sent: number[] = [];
  let answer = () => {};
  const latest = new Latest<number>((query) => {
    sent.push(query);
    return new Promise((done) => (answer = done));
  });
  await latest.sent; // nothing is asked
  for (const query of [1, 2, 3]) void latest.ask(query);
  expect(sent).toEqual([1]);
  answer();
  await Promise.resolve();
  expect(sent).toEqual([1, 3]);
  const rest = latest.sent;
  void latest.ask(4);
  latest.forget();
  answer();
  await rest;
  expect(sent).toEqual([1, 3]);
  void latest.ask(5);
  expect(sent).toEqual([1, 3, 5]);
});
