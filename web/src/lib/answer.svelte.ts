import type { Questions } from "../messages";
import { Latest } from "./latest";
import { messageOf, unanswered } from "./source";
import { studio } from "./studio.svelte";

// The answer to a question that changes: to be called while a component is set up. `pause` is the least time between
// two questions, in milliseconds. The last answer stays until the next one is there.
export function answer<Q extends keyof Questions>(
  name: Q,
  query: () => Questions[Q]["query"] | null,
  pause: () => number = () => 0,
) {
  let value = $state.raw<Questions[Q]["reply"] | null>(null);
  let answered = $state.raw<Questions[Q]["query"] | null>(null);
  let trouble = $state("");
  let alone = $state(false); // nobody answered; the page says so
  let wanted: object | null = null;
  let asked = 0;
  const latest = new Latest<Questions[Q]["query"]>(async (next) => {
    asked = performance.now();
    try {
      const reply = await studio.source.ask(name, next);
      alone = false;
      if (wanted) [value, answered, trouble] = [reply, next, ""];
    } catch (error) {
      alone = unanswered(error);
      if (wanted === next && !alone) [value, trouble] = [null, messageOf(error)];
    }
  });
  $effect(() => {
    const next = query();
    wanted = next;
    if (alone && studio.connection !== "open") return; // until somebody is back
    if (next === null) {
      [value, trouble] = [null, ""];
      return;
    }
    const wait = asked + pause() - performance.now();
    if (wait <= 0) {
      void latest.ask(next);
      return;
    }
    const timer = setTimeout(() => void latest.ask(next), wait);
    return () => clearTimeout(timer);
  });
  return {
    get value() {
      return value;
    },
    // The question that `value` answers.
    get answered() {
      return answered;
    },
    get trouble() {
      return trouble;
    },
  };
}
