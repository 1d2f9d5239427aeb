import { describe, expect, it } from "vitest";
import type { Timeline } from "../messages";
import { branches, changes, elbow, ownerAt, parted } from "./tree";

const line = (name: string, parent: string | null, start: number, steps: number): Timeline => ({
  name,
  parent,
  start,
  steps,
  train: 100,
  validation: 10,
  rows: [],
  best: null,
  planned: steps,
  steps_an_epoch: 10,
  changes: [],
  reason: null,
  settings: {},
});
const lines = [
  line("main", null, 0, 100),
  line("a", "main", 40, 120),
  line("b", "main", 70, 90),
  line("c", "a", 60, 80),
  line("early", "a", 20, 50),
];

describe("the tree", () => {
  it("has each timeline once, below the one it leaves", () => {
    const tree = branches(lines);
    expect(tree.map(({ line }) => line.name).sort()).toEqual(["a", "b", "c", "early", "main"]);
    for (const { line: one, row, leaves } of tree) {
      if (leaves === null) expect(one.name).toBe("main");
      else expect(leaves).toBeLessThan(row);
    }
  });

  it("has no elbow that crosses a line", () => {
    const tree = branches(lines);
    for (const { line: one, row, leaves } of tree) {
      const between = tree.filter((other) => leaves !== null && other.row > leaves && other.row < row);
      for (const other of between) expect(other.line.start).toBeGreaterThanOrEqual(one.start);
    }
  });

  it("lets a start before the parent's own leave the parent's parent", () => {
    const tree = branches(lines);
    const leaves = tree.find(({ line }) => line.name === "early")!.leaves!;
    expect(tree[leaves]!.line.name).toBe("main");
  });

  it("bends", () => expect(elbow(10, 0, 30, 50)).toBe("M10 0V24Q10 30 16 30H50"));
  it("of a timeline without steps is short", () => expect(elbow(10, 0, 30, 10)).toBe("M10 0V30Q10 30 10 30H10"));
});

describe("two timelines", () => {
  it("part where the first of them leaves", () => {
    expect(parted(lines, "main", "a")).toBe(40);
    expect(parted(lines, "c", "main")).toBe(40);
    expect(parted(lines, "a", "b")).toBe(40);
    expect(parted(lines, "c", "a")).toBe(60);
    expect(parted(lines, "early", "a")).toBe(20);
    expect(parted(lines, "a", "a")).toBe(Infinity);
    expect(parted(lines, "a", "unknown")).toBe(0);
  });

  it("share the settings before a start", () => {
    expect(ownerAt(lines, "c", 60)?.name).toBe("c");
    expect(ownerAt(lines, "c", 50)?.name).toBe("a");
    expect(ownerAt(lines, "c", 10)?.name).toBe("main");
  });
});

describe("changes", () => {
  it("are told as people read them, the names of weights as they are", () => {
    const changed = {
      ...line("a", "main", 4, 9),
      changes: [
        { what: "learning_rate", before: "0.05", after: "0.3" },
        { what: "w2[1, house_age]", before: "1", after: "2" },
        { what: "optimizer", before: "sgd", after: "adam" },
        { what: "batch_size", before: "32", after: "64" },
      ],
    };
    expect(changes(changed)).toBe("learning rate 0.05 → 0.3, w2[1, house_age] 1 → 2, optimizer sgd → adam, 1 more");
  });
});
