// The stops of the tour, in the order of a beginner's questions. Every number in them is read from the page.
import { pointing } from "../pulls/pointing.svelte";
import { capital, count, number } from "../lib/words";
import type { Studio } from "../lib/studio.svelte";
import { until } from "../lib/until";
import type { Outcome } from "../messages";

// What a stop was like when it opened.
export interface Before {
  step: number;
  row: number;
  timelines: number;
  E: number | null; // of what is looked at
  difference: number; // of the guess from the truth
  said: Outcome;
  facts: Facts;
}

export type Facts = Record<string, string>; // what was asked for a stop's words

export interface Choice {
  label: string;
  act: (studio: Studio) => void;
}

export interface Stop {
  title: string;
  views?: readonly string[]; // that it is about; without them, the first screen
  sees: (studio: Studio) => string[]; // selectors of what it speaks of; the first is outlined
  stage: (studio: Studio) => Promise<Facts | void>; // brings the page to where it begins
  // In what follows, `such` is a key, and [such](selector) leads to what it names.
  text: (studio: Studio, before: Before) => string;
  task: (studio: Studio, before: Before) => string;
  choices?: (studio: Studio) => Choice[]; // buttons of the card that the task names
  done: (studio: Studio, before: Before) => boolean;
  result: (studio: Studio, before: Before) => string; // what came of it
}

const FIRST_OF_W1 = "w1[sqft_living, 1]"; // of the weights between input and hidden layer, the one that is pulled hardest
const OF_W2 = "w2[2, 1]"; // and of those behind them
const OVER = "[data-view=timeline] .aside > :last-child"; // the button that opens the form for starting over
const BEGIN = "[data-view=timeline] form button.main"; // and the one that ends it
const [SPAN, LEAST] = [6, 0.025]; // epochs in which the lowest error falls by less than this part: the curve is flat
const LITTLE = 0.0001; // E below it is next to nothing

const RACE = "[data-view=race]";
const lit = new Set<string>(); // factors that were lit since the stop began
let tried = false; // whether the plus was tried

export const STOPS: Stop[] = [
  {
    title: "It guesses",
    sees: () => [".first .stage", ".first .gauge", ".first .sentence"],
    stage: (studio) => begin(studio),
    text: ({ known }, { said }) =>
      `Three facts about a ${known.house} go in on the left. Each unit multiplies what comes in by its weights, adds it ` +
      `up, bends the sum, and passes it on. On the right a price comes out: ${said.prediction}. Nobody has told the ` +
      "weights anything yet, so it is a guess.",
    task: () => "Press *Another house*, or `n`: it guesses again, with the same weights.",
    choices: () => [{ label: "Another house", act: ({ moment }) => moment.look(moment.row + 1) }],
    done: (studio, before) => studio.moment.row !== before.row && drawn(studio),
    result: (studio) => {
      const { said, row, house } = now(studio);
      return `For ${house} ${row} it says ${said.prediction}, and that ${house} sold for ${said.truth}.`;
    },
  },
  {
    title: "It learns from one mistake",
    sees: () => [".first .learn button", ".first .gauge", ".first .stage"],
    stage: (studio) => begin(studio),
    text: (studio, { said, row, difference }) => {
      const way = difference > 0 ? "too high" : "too low";
      return (
        `${capital(now(studio).house)} ${row} sold for ${said.truth}. The guess, ${said.prediction}, is ` +
        `${amount(studio, difference)} ${way}. Now watch: the mistake runs back through the network, every weight is ` +
        "changed a little, and the network guesses again."
      );
    },
    task: () => "Press *Learn from this mistake*, or `→`.",
    done: (studio, before) => studio.moment.step > before.step && drawn(studio),
    result: (studio, before) => {
      const { said } = now(studio);
      const gain = Math.abs(before.difference) - Math.abs(off(studio));
      return `Now it says ${said.prediction}: ${gain < 0 ? "worse" : "better"} by ${amount(studio, gain)}. \`←\` takes it back.`;
    },
  },
  {
    title: "Which weight did it?",
    sees: ({ bets }) => (bets ? [".first .bet", ".first .bet .row", ".first .gauge"] : [".first .account", ".first .learn"]),
    stage: async (studio) => {
      await begin(studio, { step: 1 });
      studio.bets = true;
      const { unit, before, after, parts } = await accountAt(studio, 1);
      const most = parts.reduce((one, other) => (Math.abs(other.part) > Math.abs(one.part) ? other : one));
      return { weight: most.weight, part: number(most.part, 5, unit), all: number(after - before, 5, unit) };
    },
    text: ({ known }) =>
      `In a step all ${count(known.run?.weights ?? 0)} weights move, and each move changes the guess. The account adds up ` +
      "how much, weight by weight, from the old guess to the new one. But bet first, on the next step.",
    task: ({ bets, moment }, { step }) => {
      if (moment.step > step) return "Press *That was enough*: in the account every weight has its bar.";
      return bets ? "Answer [the bet](.first .bet), and press *Make the step*." : "Press *Bet first*.";
    },
    done: ({ bets, moment }, { step }) => moment.step > step && !bets,
    result: (_, { facts }) => `${facts["weight"]} did the most: ${facts["part"]} of ${facts["all"]}.`,
  },
  {
    title: "How does it know which way?",
    views: ["steps", "network", "chain"],
    sees: () => ["[data-view=chain] .along"],
    stage: (studio) => begin(studio, { weight: OF_W2 }),
    text: (studio) =>
      `Move one weight, ${OF_W2}, and hold all others: the curve shows E of this ${now(studio).house}, which says in one ` +
      "number how wrong the guess is. How steep the curve is where the weight stands is its slope, ∂E/∂w: " +
      `${slope(studio)}. That is how hard the error pulls at it.`,
    task: () => "Drag [the dot](.along .dot), or focus it and press `←`, until E of this house is lower.",
    done: (studio, before) =>
      Object.keys(studio.moment.weights).length > 0 && before.E !== null && drawn(studio) && now(studio).E < before.E,
    result: (studio, before) =>
      `E of this ${now(studio).house} went from ${number(before.E)} to ${number(now(studio).E)}. This was a look only: ` +
      "the run has not changed.",
  },
  {
    title: "How does the first layer get to know?",
    views: ["steps", "network", "chain"],
    sees: () => ["[data-view=chain] .factors", "[data-view=chain] .picker .back", "[data-view=network] svg"],
    stage: async (studio) => {
      await begin(studio, { weight: FIRST_OF_W1 });
      const { paths } = await studio.source.ask("chain", { ...studio.moment.query, weight: FIRST_OF_W1 });
      lit.clear();
      return { factors: paths[0]!.factors.map((one) => one.symbol).join("\n") };
    },
    text: (studio) =>
      `${FIRST_OF_W1} moves the price only by way of w2. So the slope comes back the same way: from E of this ${now(studio).house} to the price, ` +
      "through w2, through the bend of the unit, to w1. Multiply the factors along this way: that is the chain rule.",
    task: () =>
      "Press *Follow it back from E*, or go through [the factors](.factors) one after the other. Each lights up in " +
      "[the network]([data-view=network]), too.",
    done: (_, { facts }) => {
      for (const { symbol } of pointing.trail) lit.add(symbol);
      return facts["factors"]!.split("\n").every((one) => lit.has(one));
    },
    result: (studio) => `The factors multiply to ∂E/∂w = ${slope(studio)}.`,
  },
  {
    title: "Why minus?",
    views: ["steps", "network", "chain"],
    sees: () => ["[data-view=chain] .update", "[data-view=steps]"],
    stage: async (studio) => {
      await begin(studio, { weight: OF_W2 });
      const { E } = await studio.source.ask("signs", { ...studio.moment.query, weight: OF_W2 });
      tried = false;
      return { minus: number(E[1]), plus: number(E[2]) };
    },
    text: (studio) => {
      const up = Number(studio.drawing.weights[3 * edge(studio, OF_W2) + 1]) > 0;
      return (
        `The slope of ${OF_W2}, ${slope(studio)}, points up the error, and we want to go down. So the update ` +
        `subtracts: new weight = old weight − rate · ∂E/∂w. This slope is ${up ? "positive: the weight shrinks" : "negative: the weight grows"}.`
      );
    },
    task: (studio, { facts }) =>
      studio.moment.plus || tried
        ? `With a plus, E of this ${now(studio).house} would be ${facts["plus"]}. So minus: press \`→\`, or the arrow in [the step bar](.steps).`
        : "Press *+* at [the update]([data-view=chain] .update): what if all weights went the other way?",
    done: (studio, before) => {
      tried ||= studio.moment.plus;
      return tried && studio.moment.step > before.step && drawn(studio);
    },
    result: (studio, before) =>
      `E of this ${now(studio).house} went from ${number(before.E)} to ${number(now(studio).E)}. \`←\` takes it back, to the last digit.`,
  },
  {
    title: "How far?",
    views: ["steps", "timeline"],
    sees: () => [`${RACE} .lanes`, `${RACE} form button.main`, "[data-view=timeline] [data-opens-panel]"],
    stage: async (studio) => {
      await begin(studio);
      return { rate: studio.moment.line?.settings["learning_rate"] ?? "" };
    },
    text: (studio, { facts }) =>
      "The slope says which way, and not how far. That is for us to choose: the learning rate, " +
      `${facts["rate"]} here. One that is too small crawls. One that is too large leaps over the valley, and E of this ` +
      `${now(studio).house} rises. Let three of them race.`,
    task: ({ standings }) =>
      standings?.running ? "They run. Which one gets the farthest, which one too far?" : "Press *Race three rates*, and then *Race*.",
    done: (studio, before) => timelines(studio) > before.timelines && studio.standings?.running === false,
    result: (studio) => {
      const lanes = studio.standings?.lanes ?? [];
      const [wrong, best] = [
        lanes.find((one) => one.ending === "diverged"),
        lanes.reduce((one, other) => ((one.after ?? Infinity) <= (other.after ?? Infinity) ? one : other), lanes[0]!),
      ];
      const rest = (E: number | null) => (E !== null && E < LITTLE ? `less than ${LITTLE}` : number(E));
      const far = best ? `${capital(best.timeline)} got the farthest: E of this ${now(studio).house} is ${rest(best.after)}.` : "";
      return `${far}${wrong ? ` ${capital(wrong.timeline)} went wrong at step ${count(wrong.step)}.` : ""} All three stay as timelines.`;
    },
  },
  {
    title: "Another house got worse",
    sees: ({ moment }) => (moment.line?.rows.length ? [".first .sentence", ".first .gauge"] : ["[data-view=chain] .wishes", "[data-view=steps]"]),
    stage: async (studio) => {
      const { one, another } = lines(studio);
      const [own, other] = [one!.rows[0]!, another!.rows[0]!];
      await begin(studio, { step: one!.planned });
      const [all, only] = [await accountAt(studio, 0, other), await accountAt(studio, studio.moment.step - 1, own)];
      studio.moment.look(other);
      await settled(studio);
      return {
        steps: count(studio.moment.step, "step"), own: `house ${own}`, other: `house ${other}`,
        from: number(all.before, 6, all.unit), only: number(only.after, 6, only.unit), another: another!.name,
      };
    },
    text: (studio, { said, facts }) => {
      const { one, another, many } = lines(studio);
      const [name, price] = [studio.moment.timeline, now(studio).said.prediction];
      if (name === one?.name) {
        return (
          `After ${facts["steps"]} ${facts["own"]} is at ${facts["only"]}. But look at ${facts["other"]}: it sold for ` +
          `${said.truth}. The network began with ${facts["from"]}; now it says ${said.prediction}. What helps one house ` +
          "can spoil another."
        );
      }
      if (name === another?.name) {
        return (
          `This timeline begins with the same weights. They guess ${facts["other"]} almost right, ${price}, so it wishes ` +
          `for hardly any change. ${capital(facts["own"] ?? "")} wishes for a large one. So ask many houses before anything moves.`
        );
      }
      return (
        `Here a step asks ${many?.settings["batch_size"]} houses. Each wishes its own change of every weight; the step is ` +
        "the mean of their wishes. So E of one house may rise, while E of all houses falls."
      );
    },
    task: (studio) => {
      const { one, another } = lines(studio);
      const name = studio.moment.timeline;
      if (name === one?.name) return `Press *${capital(another?.name ?? "")}*, which learns from that house.`;
      if (name === another?.name) return `Press *${lines(studio).many?.name}*.`;
      return "Press `→`, or the arrow in [the step bar](.steps): one step for all of them.";
    },
    choices: (studio) => {
      const { one, another, many } = lines(studio);
      const open = (name: string, act: (studio: Studio) => void): Choice[] => [{ label: capital(name), act }];
      const { timeline } = studio.moment;
      if (another && timeline === one?.name) return open(another.name, () => (studio.go(0, another.name), studio.moment.follow()));
      if (many && timeline === another?.name) {
        return open(many.name, () => {
          studio.go(0, many.name);
          studio.moment.of = "batch";
          studio.moment.weight = OF_W2;
          [studio.depth, studio.only] = ["everything", ["steps", "network", "chain"]];
        });
      }
      return [];
    },
    done: (studio) => studio.moment.timeline === lines(studio).many?.name && studio.moment.step > 0 && drawn(studio),
    result: (studio) => `That was the mean wish of ${lines(studio).many?.settings["batch_size"]} houses, made at once.`,
  },
  {
    title: "Again and again",
    views: ["steps", "network", "timeline"],
    sees: () => ["[data-view=timeline] .lines", "[data-view=steps] .play", "[data-view=network]"],
    stage: (studio) => begin(studio, { many: true }),
    text: (studio) => {
      const { line } = studio.moment;
      const all = errors(studio);
      return (
        `Each step takes other houses; after ${count(line?.steps_an_epoch ?? 0, "step")}, an epoch, all ` +
        `${count(line?.train ?? 0)} have had their turn. Watch the error on houses that it never learns from: can it beat ` +
        `the mean price, off by ${all.mean}, and a linear model, ${all.linear}? In [the units](.stage .map) maps form.`
      );
    },
    task: () => "Press *Play*, or `space`, and wait until the dashed line has passed both. The speed is up to you.",
    done: (studio, before) => studio.moment.step > before.step && passed(studio) !== undefined,
    result: (studio) => {
      const all = errors(studio);
      return `Passed, at step ${count(all.passedAt)}: ${all.passed}. The mean is off by ${all.mean}, the linear model by ${all.linear}.`;
    },
  },
  {
    title: "When to stop, and another way",
    views: ["steps", "network", "timeline"],
    sees: (studio) =>
      isFlat(studio) && !studio.training.plays
        ? [BEGIN, OVER, "[data-view=timeline] .lines"]
        : ["[data-view=timeline] .lines", "[data-view=steps] .play"],
    stage: (studio) => begin(studio, { many: true, end: true }),
    text: (studio) => {
      const best = errors(studio);
      const lowest = best.step ? ` The lowest so far is ${best.lowest}, at step ${count(best.lowestAt)}.` : "";
      return (
        "The validation houses never teach it; they only tell how well it does on houses it has not seen. Once their error " +
        `falls no further, more steps bring nothing here: stop.${lowest} Then try another way from any step.`
      );
    },
    task: (studio) =>
      isFlat(studio) && !studio.training.plays
        ? `It is flat here. Press [Start over from here](${OVER}), choose another learning rate, and begin.`
        : "Let it play until the dashed line flattens. Then press *Stop*, or `space`.",
    done: (studio, before) => timelines(studio) > before.timelines,
    result: (studio) => `The timeline ${studio.moment.timeline} has begun, beside the old one. Train it: which one wins?`,
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

interface Scene {
  step?: number; // steps that are not there yet are made
  weight?: string;
  many?: boolean; // on the timeline that learns from many houses
  end?: boolean; // wherever it is there
}

async function begin(studio: Studio, scene: Scene = {}): Promise<void> {
  const { moment, known, training } = studio;
  const { one, many } = lines(studio);
  const line = scene.many ? many : one;
  if (!line) return;
  await training.stop();
  studio.bets = false;
  [moment.weights, moment.features, moment.unit, moment.phase, moment.plus] = [{}, {}, null, null, false];
  moment.weight = scene.weight ?? null;
  if (!(scene.end && moment.timeline === line.name)) {
    const step = scene.step ?? 0;
    const last = known.last(line.name);
    studio.go(Math.min(step, last), line.name);
    if (step > last) {
      training.on(step - last);
      await until(() => moment.step === step && !training.plays);
    }
  }
  moment.look(scene.many ? moment.row : line.rows[0]!);
  await settled(studio);
}

const settled = (studio: Studio): Promise<void> => until(() => drawn(studio));

const accountAt = (studio: Studio, step: number, row = studio.moment.row) =>
  studio.source.ask("account", { ...studio.moment.query, of: "row", row, step });

// --- what is read from the page ------------------------------------------------------------------------------------

// Whether what is drawn is what is looked at.
function drawn({ moment, drawing: { numbers } }: Studio): boolean {
  if (numbers?.step !== moment.step || numbers.timeline !== moment.timeline || numbers.of !== moment.of) return false;
  return moment.of === "batch" || numbers.rows[0] === moment.row;
}

// The first timelines: which the run opens with, another of one house, and one of many.
function lines({ known }: Studio) {
  const first = (known.run?.timelines ?? []).filter((one) => one.parent === null);
  const one = first.find((line) => line.name === known.run?.opens);
  const another = first.find((line) => line !== one && line.rows.length === 1);
  return { one, another, many: first.find((line) => line.train > 1) };
}

const timelines = (studio: Studio): number => studio.known.run?.timelines.length ?? 0;
const off = ({ drawing }: Studio): number => drawing.numbers?.difference[0] ?? 0;
const amount = ({ known }: Studio, value: number): string => number(Math.abs(value), 6, known.run?.unit);

function now({ drawing, moment, known }: Studio) {
  const said = drawing.numbers?.text ?? { prediction: "", prediction_after: "", truth: "", difference: "" };
  return { said, E: drawing.numbers?.E ?? NaN, row: moment.row, house: known.house };
}

export function before(studio: Studio, facts: Facts = {}): Before {
  const { step, row } = studio.moment;
  const E = studio.drawing.numbers?.E ?? null;
  return { step, row, timelines: timelines(studio), E, difference: off(studio), said: now(studio).said, facts };
}

const edge = ({ drawing }: Studio, weight: string): number =>
  (drawing.layout?.edges ?? []).findIndex((one) => one.weight === weight);

// ∂E/∂w of the weight that is chosen, as it is drawn.
function slope(studio: Studio): string {
  const i = edge(studio, studio.moment.weight ?? "");
  return i < 0 ? "" : number(studio.drawing.weights[3 * i + 1]);
}

const epochs = ({ known, moment }: Studio) =>
  (known.histories[moment.timeline]?.epochs ?? []).flatMap(({ step, validation }) =>
    validation === null || step > moment.step ? [] : [{ step, validation }],
  );

// The errors on the validation houses: of the baselines, of the first epoch that passed them, and the lowest one.
function errors(studio: Studio) {
  const baselines = studio.known.histories[studio.moment.timeline]?.baselines ?? {};
  const written = (value?: number) => (value === undefined ? "" : number(value, 4, studio.known.run?.error_unit));
  const all = epochs(studio);
  const [first, best] = [passed(studio), all.reduce((one, other) => (one.validation <= other.validation ? one : other), all[0]!)];
  return {
    mean: written(baselines["mean"]),
    linear: written(baselines["linear model"]),
    step: all.at(-1)?.step ?? 0,
    passed: written(first?.validation),
    passedAt: first?.step ?? 0,
    lowest: written(best?.validation),
    lowestAt: best?.step ?? 0,
  };
}

// The first epoch that is better than both baselines.
function passed(studio: Studio) {
  const { mean, "linear model": linear } = studio.known.histories[studio.moment.timeline]?.baselines ?? {};
  if (mean === undefined || linear === undefined) return undefined;
  return epochs(studio).find(({ validation }) => validation < Math.min(mean, linear));
}

// Whether the lowest error has hardly fallen in the last epochs.
function isFlat(studio: Studio): boolean {
  const all = epochs(studio).map((one) => one.validation);
  if (all.length <= SPAN) return false;
  return Math.min(...all) > (1 - LEAST) * Math.min(...all.slice(0, -SPAN));
}
