// A step in phases: feed forward layer by layer, the error, backpropagate layer by layer, the update.

export interface Phase {
  kind: "forward" | "error" | "backward" | "update";
  layer: number; // from 1; 0 where it is about no layer
}

export function phases(layers: number): Phase[] {
  const numbers = Array.from({ length: layers }, (_, i) => i + 1);
  return [
    ...numbers.map((layer): Phase => ({ kind: "forward", layer })),
    { kind: "error", layer: 0 },
    ...numbers.reverse().map((layer): Phase => ({ kind: "backward", layer })),
    { kind: "update", layer: 0 },
  ];
}

// What can be seen once a phase is over; with no phase chosen, everything.
export interface Seen {
  forward: number; // layers whose outputs are known, from the first on
  error: boolean;
  backward: number; // the layer down to which gradients are known; one more than there are: none
  update: boolean;
}

export function seen(all: Phase[], at: number | null): Seen {
  const layers = (all.length - 2) / 2;
  const done = at === null ? all : all.slice(0, at + 1);
  const back = done.filter((phase) => phase.kind === "backward");
  return {
    forward: done.filter((phase) => phase.kind === "forward").length,
    error: done.some((phase) => phase.kind === "error"),
    backward: layers + 1 - back.length,
    update: done.some((phase) => phase.kind === "update"),
  };
}

export function title(phase: Phase, layers: number): string {
  switch (phase.kind) {
    case "forward":
      return phase.layer === layers ? "Feed forward: the output" : `Feed forward: layer ${phase.layer}`;
    case "error":
      return "The error";
    case "backward":
      return phase.layer === layers ? "Backpropagate: the output" : `Backpropagate: layer ${phase.layer}`;
    case "update":
      return "The update";
  }
}
