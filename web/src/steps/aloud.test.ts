import { expect, test } from "vitest";
import type { Moment } from "../messages";
import { aloud, follows } from "./aloud";

const moment = (step: number, E: number, prediction: number, more: Partial<Moment> = {}): Moment =>
  ({
    run: "first", timeline: "one house", of: "row", rows: [0], n: 1, step, E,
    prediction: [prediction], truth: [221900], text: { prediction: `$${prediction.toLocaleString("en-US")}` }, ...more,
  }) as unknown as Moment;
const about = { house: "house", row: 0, whose: "this house", steps: 14, classes: [], unit: "$", what: "" };

test("after a step: the guess, how much nearer it is, and E", () => {
  const [before, now] = [moment(0, 0.50958, 483199), moment(1, 0.26757, 411201)];
  expect(aloud(before, now, about)).toBe(
    "Step 1 of 14: the guess for house 0 is $411,201, better by $71,998; E of this house fell from 0.5096 to 0.2676.",
  );
  expect(aloud(now, before, about)).toBe(
    "Step 0 of 14: the guess for house 0 is $483,199, worse by $71,998; E of this house rose from 0.2676 to 0.5096.",
  );
});

test("of other rows nothing is compared", () => {
  const other = moment(1, 0.25, 300000, { rows: [17] });
  expect(follows(moment(0, 0.5, 483199), other)).toBe(false);
  expect(follows(null, other)).toBe(false);
  expect(follows(moment(0, 0.5, 483199), moment(1, 0.4, 1))).toBe(true);
  expect(aloud(null, other, { ...about, row: 17, what: "the last step" })).toBe(
    "Step 1 of 14, the last step: the guess for house 17 is $300,000; E of this house is 0.25.",
  );
  const batch = moment(2, 0.31, 1, { of: "batch", n: 128 });
  expect(aloud(batch, batch, { ...about, whose: "this step’s 128 houses" })).toBe(
    "Step 2 of 14: E of this step’s 128 houses is 0.31.",
  );
});
