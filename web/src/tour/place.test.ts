import { expect, test } from "vitest";
import { scroll } from "./place";

const room = { top: 60, bottom: 560 };
const span = (top: number, bottom: number) => ({ top, bottom });

test("what is seen stays where it is", () => {
  expect(scroll([span(100, 300), span(200, 540)], room)).toBe(0);
  expect(scroll([], room)).toBe(0);
});

test("what lies below or above is brought into the room, and no farther", () => {
  expect(scroll([span(500, 700)], room)).toBe(148);
  expect(scroll([span(-40, 100)], room)).toBe(-108);
});

test("of what is too high for the room, the top is seen", () => {
  expect(scroll([span(400, 1400)], room)).toBe(332);
});

test("all are seen together; where there is too little room, the first ones are, and something of the next", () => {
  expect(scroll([span(600, 800), span(900, 1000)], room)).toBe(448);
  expect(scroll([span(600, 800), span(1300, 1400), span(820, 900)], room)).toBe(532);
  expect(scroll([span(600, 700), span(0, 500)], room)).toBe(148);
});
