import { expect, test } from "vitest";
import { pieces, plain } from "./marks";

test("keys, and words that lead to what they name", () => {
  const text = "Press *Play* or `shift →`, and watch [the maps](.stage .map) form.";
  expect(pieces(text)).toEqual([
    { text: "Press " },
    { text: "Play", button: true },
    { text: " or " },
    { text: "shift →", key: true, after: "," },
    { text: " and watch " },
    { text: "the maps", to: ".stage .map" },
    { text: " form." },
  ]);
  expect(plain(text)).toBe("Press Play or shift →, and watch the maps form.");
  expect(pieces("w2[2, 1] is pulled")).toEqual([{ text: "w2[2, 1] is pulled" }]);
});
