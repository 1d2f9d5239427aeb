// The stops of the tour, in the order of a beginner's questions. Every number in them is read from the page.
import { same } from "../chain/chain";
import { count, number } from "../lib/words";
import type { Studio } from "../lib/studio.svelte";

// What a stop was like when it opened. E: of what is looked at, as long as nothing is changed by hand.
export interface Before {
  step: number;
  row: number;
  timelines: number;
  E: number | null;
}

export interface Stop {
  title: string;
  text: (studio: Studio) => string;
  task: (studio: Studio) => string; // what stands between ` is a key
  view: string; // by its data-view
  part?: string; // a selector, of what in this view has to be seen
  also?: string; // a view that is used here, and should not be covered
  stage?: (studio: Studio) => void;
  done: (studio: Studio, before: Before) => boolean;
}

// Which weight is pulled by hand: one behind the last hidden layer, so that its chain is short.
const PULLED = "w2[1, 1]";
const FLAT = 1.05; // an error that is at most so many times the best one lies in the flat part of the curve

export const STOPS: Stop[] = [
  {
    title: "How does it come to a prediction?",
    text: () =>
      "On the left stand three facts about a house, scaled so that 0 is the average. Each unit multiplies what comes " +
      "in by its weights and adds the products up: a dot product. Hidden units then bend their sum with tanh.",
    task: () => "The hidden units are computed. Press `shift →`, or the next phase above, for the price.",
    view: "network",
    also: "steps",
    stage: (studio) => begin(studio, { phase: 0 }),
    done: ({ moment, known }) => moment.phase !== null && moment.seen.forward === (known.run?.layers.length ?? 0),
  },
  {
    title: "How wrong is it?",
    text: (studio) => {
      if (!studio.drawing.numbers) return "";
      const { text: outcome, E } = studio.drawing.numbers;
      return (
        `The house was sold for ${outcome.truth}, and the network says ${outcome.prediction}. ` +
        `The difference, scaled and squared, is the error E: ${number(E)}. Learning lowers E.`
      );
    },
    task: () => "Look at some other house, with `n` or the buttons of this view. Is its error larger or smaller?",
    view: "house",
    stage: (studio) => begin(studio),
    done: (studio, before) => studio.moment.row !== before.row,
  },
  {
    title: "Would another weight have been better?",
    text: (studio) => {
      const { slope, weight } = chosen(studio);
      const known = slope === undefined ? "" : ` Of ${weight} it is ${number(slope)}.`;
      return (
        "Move one weight a little, hold all others, and watch how fast E changes: that is the weight's partial " +
        `derivative, ∂E/∂w. It is the slope of the curve where the weight stands.${known}`
      );
    },
    task: (studio) => `Pull the dot on the curve of ${studio.moment.weight ?? PULLED} until E is lower than before.`,
    view: "chain",
    part: 'svg[aria-label^="E along"]',
    stage: pull,
    done: (studio, before) =>
      Object.keys(studio.moment.weights).length > 0 &&
      before.E !== null &&
      studio.drawing.numbers?.E !== undefined &&
      studio.drawing.numbers.E < before.E,
  },
  {
    title: "Which weights matter most?",
    text: (studio) => {
      const { slope, weight } = chosen(studio);
      const known = slope === undefined ? "" : ` ${weight}, which is chosen, has the slope ${number(slope)}.`;
      return (
        "Every weight has such a slope. All of them together are the gradient: it tells in which direction E grows " +
        `fastest.${known}`
      );
    },
    task: () => "Find the line with the steepest slope, up or down, and click it.",
    view: "network",
    stage: pull,
    done: isSteepest,
  },
  {
    title: "How far should the weights move?",
    text: (studio) => {
      const rate = number(Number(studio.moment.line?.settings.learning_rate));
      return (
        "The gradient knows the direction, and not how far to go. That is for us to choose: the learning rate, " +
        `${rate} here. A small one is slow. One that is too large leaps over the valley, and E rises.`
      );
    },
    task: () =>
      "In “Along this step”, move the handle to the lowest point, and start over with that rate.",
    view: "timeline",
    stage: (studio) => begin(studio),
    done: (studio, before) => timelines(studio) > before.timelines,
  },
  {
    title: "Why is there a minus?",
    text: (studio) => {
      const { slope } = chosen(studio);
      const way =
        slope === undefined
          ? ""
          : ` This slope is ${slope < 0 ? "negative: the weight grows" : "positive: the weight shrinks"}.`;
      return (
        "The slope points up the error, and we want to go down. So the update subtracts: new weight = old weight − " +
        `rate · ∂E/∂w.${way}`
      );
    },
    task: (studio) => {
      const batch = studio.moment.line?.settings.batch_size;
      const of = batch ? ` It takes the mean slope of ${batch} houses.` : "";
      return `Press \`→\` to make a step.${of} Then \`←\` takes it back, to the last digit.`;
    },
    view: "chain",
    also: "steps",
    stage: (studio) => {
      begin(studio, { on: "here" });
      if (studio.moment.weight === null) studio.moment.weight = PULLED;
    },
    done: (studio, before) => studio.moment.step > before.step,
  },
  {
    title: "How do the first weights get to know?",
    text: () =>
      "The first matrix moves the price only by way of the second. So the slopes come back the same way: from E to " +
      "the price, down through w2, through the slope of tanh, and on to w1. That is backpropagation.",
    task: () => "E is known. Press `shift →` twice, and watch the violet numbers come back through both matrices.",
    view: "network",
    also: "steps",
    stage: (studio) =>
      begin(studio, { phase: studio.moment.phases.findIndex((one) => one.kind === "error"), on: "here" }),
    done: (studio) => studio.moment.phase !== null && studio.moment.seen.backward <= 1,
  },
  {
    title: "Is one step enough?",
    text: (studio) => {
      const { line } = studio.moment;
      const epoch = line ? ` of ${line.steps_an_epoch} steps` : "";
      return (
        "A step helps a little, so we repeat it. One house again and again would spoil the price of others: so each " +
        "step learns from other houses now. Once all " +
        `${count(line?.train ?? 0)} have had their turn, an epoch${epoch} is over, and it begins anew.`
      );
    },
    task: () => "Press play, or `space`, and watch the error fall for an epoch or more.",
    view: "timeline",
    also: "steps",
    stage: (studio) => begin(studio, { on: "many" }),
    done: ({ moment }, before) => moment.step - before.step >= (moment.line?.steps_an_epoch ?? 1),
  },
  {
    title: "When should it stop?",
    text: (studio) => {
      const best = bestEpoch(studio);
      const lowest = best ? ` The lowest is ${number(best.validation, 4, studio.known.run?.error_unit)} so far.` : "";
      return (
        "Some houses are kept apart: the network never learns from them. Once the error on these, the validation " +
        `rows, falls no further, more steps bring nothing.${lowest}`
      );
    },
    task: (studio) =>
      (studio.known.histories[studio.moment.timeline]?.epochs.length ?? 0) < 2
        ? "Press play until there are some epochs. Then go to the place where the validation curve gets flat."
        : `Click into the curve where it gets flat, at most ${number(100 * (FLAT - 1), 2)}% above the lowest.`,
    view: "timeline",
    stage: (studio) => begin(studio, { on: "many", end: true }),
    done: (studio, before) => {
      const { step, last } = studio.moment;
      return step !== before.step && step < last && isFlat(studio);
    },
  },
  {
    title: "And if I had chosen otherwise?",
    text: () =>
      "Nothing is lost. You can return to every step, and begin a new timeline from each, with another rate, " +
      "another optimizer, or weights set by hand. The old one stays beside it.",
    task: () => "Go to the first step with `home`, start over with another learning rate, and press play. Which wins?",
    view: "timeline",
    also: "steps",
    stage: (studio) => begin(studio, { on: "here", end: true }),
    done: (studio, before) => timelines(studio) > before.timelines,
  },
];

// What to try once the tour is over.
export const IDEAS: string[] = [
  "Change a feature of a house, and see what the network would pay for it.",
  "Start over with a learning rate of 1. Then go back to the step where it goes wrong, and look at the slopes.",
  "Look at the worst house. Which of its facts misleads the network?",
  "Choose a weight, and compare its chain for one house with its chain for the whole batch: `b`.",
];

// --- the stage ---------------------------------------------------------------------------------------------------

// The first network, one row, at a phase, and on a timeline: "first": its first step of that which the run opens with;
// "here": the present one; "many": the present one, or else the first, that learns from many rows. `end`: the last step
// is as good as any other, though there may be nothing after it.
function begin(
  studio: Studio,
  { phase = null, on = "first", end = false }: { phase?: number | null; on?: "first" | "here" | "many"; end?: boolean } = {},
): void {
  const { moment, known } = studio;
  const lines = known.run?.timelines ?? [];
  const opens = lines.find((one) => one.name === known.run?.opens) ?? lines[0];
  const many = [moment.line, ...lines].find((one) => (one?.train ?? 0) > 1);
  const line = { first: opens, here: moment.line, many }[on];
  moment.of = "row";
  moment.unit = null;
  moment.phase = phase;
  if (on === "first") {
    moment.look(0);
    moment.features = {};
  }
  moment.weights = {};
  if (!line) return;
  const over = line.steps >= line.planned && moment.step >= line.steps;
  const elsewhere = line.name !== moment.timeline;
  const restarts = on === "first" && moment.step !== 0;
  if (elsewhere || restarts || (!end && over)) studio.go(0, line.name);
}

function pull(studio: Studio): void {
  begin(studio);
  studio.moment.weight = PULLED;
}

// --- what is read from the page ------------------------------------------------------------------------------------

const timelines = (studio: Studio): number => studio.known.run?.timelines.length ?? 0;

export function before(studio: Studio): Before {
  const { step, row } = studio.moment;
  return { step, row, timelines: timelines(studio), E: studio.drawing.numbers?.E ?? null };
}

// The weight that is chosen, and its ∂E/∂w where it is drawn.
function chosen(studio: Studio): { weight: string; slope?: number } {
  const weight = studio.moment.weight ?? "";
  const i = (studio.drawing.layout?.edges ?? []).findIndex((edge) => same(edge.weight, weight));
  return i < 0 ? { weight } : { weight, slope: studio.drawing.weights[3 * i + 1] };
}

// As steep as the steepest of those that are drawn.
function isSteepest(studio: Studio): boolean {
  const slopes = (studio.drawing.layout?.edges ?? []).map((_, i) => Math.abs(studio.drawing.weights[3 * i + 1] ?? 0));
  const own = chosen(studio).slope;
  return own !== undefined && slopes.length > 0 && Math.abs(own) >= Math.max(...slopes);
}

const watched = (studio: Studio) =>
  (studio.known.histories[studio.moment.timeline]?.epochs ?? []).flatMap(({ step, validation }) =>
    validation === null ? [] : [{ step, validation }],
  );

function bestEpoch(studio: Studio): { step: number; validation: number } | undefined {
  return watched(studio).reduce<{ step: number; validation: number } | undefined>(
    (best, one) => (best && best.validation <= one.validation ? best : one),
    undefined,
  );
}

// Whether the epoch that ended last, or the one that is under way, has nearly the lowest error there is.
function isFlat(studio: Studio): boolean {
  const [epochs, best] = [watched(studio), bestEpoch(studio)];
  if (!best || epochs.length < 2) return false;
  const { step, line } = studio.moment;
  const near = epochs.filter((one) => Math.abs(one.step - step) < (line?.steps_an_epoch ?? 1));
  return near.some((one) => one.validation <= FLAT * best.validation);
}
