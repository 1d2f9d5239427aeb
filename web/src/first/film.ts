// A step as a film: the miss goes back, the edges are pulled, the weights change, the guess is made anew.

export interface Beat {
  kind: "miss" | "backward" | "change" | "forward" | "guess";
  layer: number; // from 1; 0 where it is about no layer
  ms: number;
}

const MS = { miss: 400, backward: 520, change: 760, forward: 380, guess: 340 }; // 2.4 s in all, however deep the network
const STILL = 600; // ms of each of the four pictures, for those who want nothing to move

// `still`: one picture each of the miss, the pulls, the new weights and the new guess.
export function film(layers: number, still: boolean): Beat[] {
  if (still) {
    const pictures = [["miss", 0], ["backward", 1], ["change", 0], ["guess", 0]] as const;
    return pictures.map(([kind, layer]) => ({ kind, layer, ms: STILL }));
  }
  const each = (kind: "backward" | "forward") => (layer: number): Beat => ({ kind, layer, ms: MS[kind] / layers });
  const numbers = Array.from({ length: layers }, (_, i) => i + 1);
  return [
    { kind: "miss", layer: 0, ms: MS.miss },
    ...numbers.toReversed().map(each("backward")),
    { kind: "change", layer: 0, ms: MS.change },
    ...numbers.map(each("forward")),
    { kind: "guess", layer: 0, ms: MS.guess },
  ];
}

// Where the network has its numbers beside it, only the guess moves.
export const short = (): Beat[] => [{ kind: "guess", layer: 0, ms: MS.guess }];

// Nothing but a wave through the network, to see which way it goes.
export const wave = (layers: number): Beat[] =>
  Array.from({ length: layers }, (_, i): Beat => ({ kind: "forward", layer: i + 1, ms: 520 }));

// The place of the first beat of a kind.
export const beginning = (beats: readonly Beat[], kind: Beat["kind"]): number => beats.findIndex((one) => one.kind === kind);

// The layer down to which the pull has come back at a beat; it ebbs away as the weights change.
export function pulled(beats: readonly Beat[], at: number): number {
  const beat = beats[at];
  return beat?.kind === "backward" ? beat.layer : Infinity;
}
