import { describe, expect, it } from "vitest";
import { KEYS, meant } from "./keys";

function press(key: string, more: KeyboardEventInit = {}, on: HTMLElement = document.body): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, ...more, bubbles: true, cancelable: true });
  on.dispatchEvent(event);
  Object.defineProperty(event, "target", { value: on });
  return event;
}

describe("keys", () => {
  it("names each combination once", () => {
    const names = KEYS.map((one) => `${one.shift ? "shift " : ""}${one.key}`);
    expect(new Set(names).size).toBe(names.length);
  });
  it("tells an arrow from a shifted one", () => {
    expect(meant(press("ArrowRight"))?.does).toBe("a step forward");
    expect(meant(press("ArrowRight", { shiftKey: true }))?.does).toBe("a phase of the step forward");
  });
  it("takes a question mark that needs shift", () => {
    expect(meant(press("?", { shiftKey: true }))?.does).toBe("this list");
  });
  it("leaves a field its keys, and a button its space bar", () => {
    const [field, button] = [document.createElement("input"), document.createElement("button")];
    document.body.append(field, button);
    expect(meant(press("n", {}, field))).toBeUndefined();
    expect(meant(press(" ", {}, button))).toBeUndefined();
    expect(meant(press("ArrowLeft", {}, button))?.does).toBe("a step back");
  });
  it("does nothing behind an open dialog, wherever the focus is", () => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("open", "");
    document.body.append(dialog);
    expect(meant(press("ArrowRight"))).toBeUndefined();
    dialog.remove();
    expect(meant(press("ArrowRight"))).toBeDefined();
  });
  it("leaves the browser its own", () => {
    expect(meant(press("ArrowLeft", { altKey: true }))).toBeUndefined();
    expect(meant(press("p", { ctrlKey: true }))).toBeUndefined();
  });
});
