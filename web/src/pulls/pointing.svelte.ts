// What is pointed at, in the formula or in the network: each lights up in the other.
import type { Link } from "../messages";

class Pointing {
  // Factors of the chain, from E on: the last one is looked at, those before it were passed on the way.
  trail = $state.raw<Link[]>([]);
  // A unit of the network, by its numbers.
  unit = $state.raw<{ layer: number; number: number } | null>(null);

  factor(link: Link | null): void {
    this.trail = link ? [link] : [];
  }
}

export const pointing = new Pointing();
