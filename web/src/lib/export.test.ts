import { describe, expect, it } from "vitest";
import { numbersAsText } from "./export";

describe("numbers as text", () => {
  it("quotes what would break a line, and leaves a gap for what is not there", () => {
    const text = numbersAsText({ head: ["w", "value"], rows: [['w1[a, "b"]', -0.5], ["c\nd", null]] });
    expect(text).toBe('w,value\r\n"w1[a, ""b""]",-0.5\r\n"c\nd",\r\n');
  });
  it("lets no name become a formula of a spreadsheet", () => {
    expect(numbersAsText({ head: ["x"], rows: [["=1+1"], ["@a"], ["-a"]] })).toBe("x\r\n'=1+1\r\n'@a\r\n'-a\r\n");
  });
});
