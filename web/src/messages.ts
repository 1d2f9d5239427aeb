/** Made by tools/make_messages.py from src/backlit/studio: what the page asks, and what it is told. */

export type Cell = string | number | boolean | null;

/** What is drawn of a network. edges: in the order in which `weights` answers. */
export interface Layout {
  id: string;
  columns: DrawnColumn[];
  edges: Edge[];
}

/** A column of units, left to right: the inputs, each hidden layer, the outputs. */
export interface DrawnColumn {
  kind: "hidden" | "input" | "output";
  layer: number;
  activation: string;
  count: number;
  units: DrawnUnit[];
  sum: string;
  out: string;
  matrix: string;
}

/** A unit that is drawn; for an input, the input itself, one of its bins, or its bins gathered. */
export interface DrawnUnit {
  name: string;
  label: string;
  column: string;
  unit: string;
  number: number;
  bins: number;
  bias: string;
}

/** A weight that is drawn, or all bins of an input together. */
export interface Edge {
  weight: string;
  layer: number;
  source: number;
  unit: number;
  bins: number;
}

/** What textbooks call what was asked for, in the same order; what they have no name for keeps its own. */
export interface Called {
  textbook: string[];
}

/** A moment with its numbers: of the state before step `step`, and of the update that this step makes. */
export interface Moment {
  run: string;
  timeline: string;
  step: number;
  of: "batch" | "row";
  epoch: number;
  used: number;
  rows: number[];
  n: number;
  rate: number;
  happened: boolean;
  strongest: string;
  E: number;
  E_after: number | null;
  prediction: number[];
  prediction_after: number[];
  truth: number[];
  difference: number[];
  text: Outcome;
  columns: UnitNumbers[];
}

/** Numbers in their unit, as text: $221,900. */
export interface Outcome {
  prediction: string;
  prediction_after: string;
  truth: string;
  difference: string;
}

/** The numbers of a drawn column's units, each array as long as it. */
export interface UnitNumbers {
  a: number[];
  da: number[];
  z: number[];
  dz: number[];
  slope: number[];
  bias: number[];
  dbias: number[];
  bias_step: number[];
}

/** What the step of a moment makes of the row that is looked at. n: from how many rows it learns. */
export interface Step {
  n: number;
  prediction_after: string;
  E: number;
  E_after: number;
  batch_E: number;
  batch_E_after: number;
}

/** A unit's dot product: z = Σ input · weight + bias, a = f(z). Of several rows: means, and E's derivatives sums. */
export interface Unit {
  layer: number;
  unit: number;
  activation: string;
  activation_latex: string;
  terms: Term[];
  rest: number;
  rest_terms: number;
  bias: number;
  bias_name: string;
  z: number;
  a: number;
  slope: number;
  da: number;
  dz: number;
  wish: number;
  bias_wish: number;
}

/** One product of a dot product: input · weight; and what the error wants of both, as the unit has it. */
export interface Term {
  name: string;
  label: string;
  input: number;
  weight: number;
  product: number;
  weight_name: string;
  weight_wish: number;
  input_wish: number;
}

/** Over what maps are drawn, and the rows that stand on them; the same at every step. */
export interface Axes {
  x: Axis | null;
  y: Axis | null;
  columns: string[];
  held: string[];
  rows: number[];
  row_x: number[];
  row_y: number[];
  truth: number[];
  middle: number;
  reach: number;
}

/** A side of a map. */
export interface Axis {
  name: string;
  unit: string;
  values: number[];
  here: number;
}

/** A number over two axes, or over one. */
export interface Surface {
  of: string;
  unit: string;
  x: Axis;
  y: Axis | null;
  values: number[];
  here: number;
  contours: Contour[];
}

/** Where a map has one value. */
export interface Contour {
  level: number;
  lines: number[];
}

/** E over two weights. */
export interface Landscape {
  of: string;
  unit: string;
  x: Axis;
  y: Axis | null;
  values: number[];
  here: number;
  contours: Contour[];
  path: number[];
  after: number[] | null;
}

/** The weights, biases included, that E pulls at the hardest; equal ones in the order of theta. */
export interface Pulls {
  weights: Pull[];
  rest: number;
  rest_weights: number;
}

/** How hard E pulls at a weight: ∂E/∂w, and its share of all the pull, 0 to 1. */
export interface Pull {
  weight: string;
  gradient: number;
  share: number;
}

/** The ways from E back to a weight, the strongest first; their factors say where in the network each one is. */
export interface Paths {
  weight: string;
  layer: number;
  unit: number;
  source: number;
  paths: Path[];
}

/** One way from E back to the weight, for one row; product: of all factors' values. */
export interface Path {
  row: number;
  factors: Link[];
  product: number;
}

/** One factor of a chain: what it is, how it is written, and its value. */
export interface Link {
  kind: string;
  symbol: string;
  value: number;
  meaning: string;
  facts: {};
  layer: number;
  unit: number;
  source: number;
}

/** What each row of a step wants of a weight. */
export interface Wishes {
  weight: string;
  rows: number[];
  wishes: number[];
  together: "mean" | "sum";
  weighted: boolean;
  wish: number;
  step: number;
  terms: string[];
  raised: number;
  lowered: number;
  n: number;
  own: number;
  among: boolean;
  happened: boolean;
}

/** What comes of a step if each layer is updated before the pull goes back through it, beside the right one. */
export interface WrongWay {
  pulls: WrongPull[];
  E: number;
  E_right: number;
  E_wrong: number;
  right: string;
  wrong: string;
}

/** ∂E/∂w, and what is taken for it if later layers are updated first. */
export interface WrongPull {
  weight: string;
  right: number;
  wrong: number;
}

/** The chain rule of one weight, and what is drawn beside it. */
export interface Chain {
  weight: string;
  value: number;
  gradient: number;
  blame: number;
  paths: Path[];
  rest: number;
  rest_paths: number;
  rows: number;
  check: Check;
  update: WeightUpdate | null;
  layer: number;
  single: boolean;
  formula: string[];
  by_row: Share[];
  rest_rows: number;
  price: [number, number] | null;
  engine: string | null;
  reasons: string[];
  curve: Curve;
}

/** ∂E/∂w by finite differences, and to how many digits it agrees. */
export interface Check {
  value: number;
  digits: number;
  kink: boolean;
  left: number;
  right: number;
}

/** One weight's update: before, then its terms as they come, is after; see `Update`. */
export interface WeightUpdate {
  before: number;
  terms: WeightTerm[];
  clip: number;
  after: number;
  happened: boolean;
}

/** One part of an update: "minus" begins a product that is subtracted; "times" and "over" continue it. */
export interface WeightTerm {
  kind: string;
  enters: "minus" | "over" | "times";
  value: number;
}

/** A row's part of ∂E/∂w. */
export interface Share {
  row: number;
  part: number;
}

/** E as one weight moves. */
export interface Curve {
  weight: string;
  w: number[];
  E: number[];
  tangent: number[];
  value: number;
  here: number;
  gradient: number;
  after: number | null;
  E_after: number | null;
}

/** The update as it is, with its minus, and with a plus in its place. */
export interface Signs {
  E: number[];
  prediction: string[];
  after: number;
  reasons: string[];
}

/** E along the whole step, as a function of the learning rate. */
export interface Line {
  rate: number[];
  E: number[];
  tangent: number[];
  here: number;
  chosen: number;
  E_chosen: number;
  best: number;
  E_best: number;
  hurts: number | null;
  last: number;
}

/** A step's account: what each weight did to the prediction, or to E, the most first. */
export interface Account {
  of: "E" | "prediction";
  unit: string;
  before: number;
  after: number;
  parts: Part[];
  rest: number;
  rest_weights: number;
  residual: number;
}

/** What a weight did to a number by a step. */
export interface Part {
  weight: string;
  part: number;
}

/** A row of the table. part: "train", "validation" or "", neither. others: entries that are not learnt from. */
export interface Row {
  row: number;
  part: string;
  features: Feature[];
  others: Feature[];
  truth: string;
}

/** A row's entry in a column; None: missing. text: as people read it. */
export interface Feature {
  column: string;
  value: Cell;
  text: string;
}

/** The worst rows, and how they stand among `of` rows: their mean and median error. */
export interface RowErrors {
  rows: RowError[];
  of: number;
  mean_text: string;
  median_text: string;
}

/** A row with its prediction; off: by how much it is wrong, in the target's unit (for classes, its log-loss). */
export interface RowError {
  row: number;
  truth: string;
  prediction: string;
  off: number;
  off_text: string;
}

/** A timeline's figures: a number for each of `step`. Where steps are gathered: the mean E, the other's largest. */
export interface History {
  timeline: string;
  step: number[];
  rate: number[];
  E: number[];
  gradient_norm: number[];
  update_norm: number[];
  epochs: EpochPoint[];
  baselines: {
    [k: string]: number;
  };
}

/** An epoch's errors, in `Run.error_unit`. step: updates made by its end. */
export interface EpochPoint {
  epoch: number;
  step: number;
  train: number | null;
  validation: number | null;
  improved: boolean;
}

/** What came of a timeline's training, in a sentence; "" where there is nothing to say of it. */
export interface Verdict {
  text: string;
}

/** Learning rates that are worth a race: one that crawls, the present one, one beyond what E's curvature allows. */
export interface Rates {
  rates: number[];
}

/** Two timelines side by side. parted: the step up to which they are the same, None for two beginnings. */
export interface Comparison {
  a: string;
  b: string;
  parted: number | null;
  at: string;
  changes: Change[];
  weights: WeightGap[];
  gained: RowGap[];
  lost: RowGap[];
  mean_gain: number;
  mean_gain_text: string;
}

/** What a timeline does in another way than its parent, as text. */
export interface Change {
  what: string;
  before: string;
  after: string;
}

/** A weight that two timelines have in another way. */
export interface WeightGap {
  weight: string;
  a: number;
  b: number;
}

/** A row that two timelines predict in another way. gain: how much nearer to the truth b is; gain_text: its size. */
export interface RowGap {
  row: number;
  truth: string;
  a: string;
  b: string;
  gain: number;
  gain_text: string;
}

/** A run file, and the network in it. */
export interface Run {
  key: string;
  name: string;
  target: string;
  unit: string;
  classes: string[];
  columns: Column[];
  rows: number | null;
  opens: string;
  sources: number;
  layers: number[];
  weights: number;
  error: string;
  error_unit: string;
  notices: string[];
  timelines: Timeline[];
}

/** A column of the table that the network learns from. */
export interface Column {
  name: string;
  kind: string;
  unit: string;
  levels: string[];
  low: number | null;
  high: number | null;
}

/** A line of steps. start: where it leaves its parent; steps: the last state there is; planned: where it will end. */
export interface Timeline {
  name: string;
  parent: string | null;
  start: number;
  steps: number;
  train: number;
  validation: number;
  rows: number[];
  best: number | null;
  planned: number;
  steps_an_epoch: number;
  changes: Change[];
  reason: string | null;
  settings: {
    [k: string]: string;
  };
}

/** What can be opened or begun on: runs and tables, by key and name. */
export interface Shelf {
  opens: string;
  runs: {
    [k: string]: string;
  };
  tables: {
    [k: string]: string;
  };
  settings: Setting[];
  small: {
    [k: string]: string;
  };
  upload_limit: number;
  table: string;
}

/** A setting of a new run. */
export interface Setting {
  name: string;
  label: string;
  part: "fit" | "network" | "training";
  usual: boolean;
  help: string;
  value: string;
  none: string;
  kind: "names" | "number" | "units";
  names: string[];
  allowed: string;
  least: number | null;
  above: number | null;
  below: number | null;
  whole: boolean;
}

/** A table to begin on. */
export interface Table {
  key: string;
  name: string;
  rows: number;
  columns: TableColumn[];
  head: string[][];
  notices: string[];
  target: string;
  task: "classification" | "regression";
  trouble: string;
  decimal: ("," | ".") | null;
  date_order: ("dmy" | "mdy" | "ymd") | null;
  missing: string;
}

/** A column of a table that is not learnt from yet. */
export interface TableColumn {
  name: string;
  kind: string;
  missing: number;
  distinct: number;
  examples: string[];
  why: string;
  trouble: string;
  question: Question | null;
}

/** A column with two readings. */
export interface Question {
  option: "date_order" | "decimal";
  entry: string;
  readings: {
    [k: string]: string;
  };
}

/** A question without more to say. */
export interface Nothing {}

/** A run was begun. notices: what the user should know of it. */
export interface Begun {
  run: string;
  notices: string[];
}

/** Something has happened; what is None has not. */
export interface News {
  training: Training | null;
  standings: Standings | null;
  epoch: EpochPoint | null;
  run: Run | null;
  shelf: Shelf | null;
  notice: string | null;
}

/** A training, as far as it has come. */
export interface Training {
  run: string;
  timeline: string;
  step: number;
  stop: number | null;
  running: boolean;
  ended: boolean;
  E: number | null;
  trouble: string;
}

/** A race of learning rates from a step of a timeline, as far as it has come. steps: that each shall make. */
export interface Standings {
  run: string;
  timeline: string;
  step: number;
  steps: number;
  running: boolean;
  lanes: Lane[];
}

/** How a learning rate stands in a race. */
export interface Lane {
  timeline: string;
  rate: number;
  step: number;
  E: number | null;
  before: number | null;
  after: number | null;
  share: number | null;
  ending: ("crawled" | "diverged" | "fell" | "rose") | null;
}

/** Why a question has no answer. */
export interface Refusal {
  error: string;
  kind: "forbidden" | "gone" | "invalid";
}

/** Which units and edges are drawn, chosen at this moment and kept for others, so that nothing jumps. */
export interface LayoutQuery {
  run: string;
  timeline: string;
  step: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  by?: "pull" | "weight";
  opened?: string;
  units?: number;
  edges?: number;
}

/** What textbooks call these: own names of weights, inputs and units. */
export interface NamesQuery {
  run: string;
  timeline: string;
  names: string[];
}

/** The numbers of what a layout draws. */
export interface DrawnQuery {
  run: string;
  timeline: string;
  step: number;
  layout: string;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  wrong?: boolean;
}

/** A moment, and what is changed in it by hand for a look; nothing is recorded. */
export interface MomentQuery {
  run: string;
  timeline: string;
  step: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
}

/** One unit of a layer, both counted from 1. most: so many products of its sum, the rest as one number. */
export interface UnitQuery {
  run: string;
  timeline: string;
  step: number;
  layer: number;
  unit: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  most?: number;
}

/** Over which columns of numbers maps are drawn; x "": the usual ones, y "": x alone. */
export interface AxesQuery {
  run: string;
  timeline: string;
  step: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  x?: string;
  y?: string;
}

/** The maps of what a layout draws. points: of each axis. */
export interface MapsQuery {
  run: string;
  timeline: string;
  step: number;
  layout: string;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  x?: string;
  y?: string;
  points?: number;
}

/** The map of one unit, both counted from 1. */
export interface SurfaceQuery {
  run: string;
  timeline: string;
  step: number;
  layer: number;
  unit: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  x?: string;
  y?: string;
  points?: number;
}

/** E over two weights; "" takes one with much blame. last: so many earlier states are on its path, at the most. */
export interface LandscapeQuery {
  run: string;
  timeline: string;
  step: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  x?: string;
  y?: string;
  points?: number;
  last?: number;
}

/** The weights by their pull, the hardest pulled first. most: so many of them. */
export interface PullsQuery {
  run: string;
  timeline: string;
  step: number;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  most?: number;
}

/** One weight; for a binned input, `w1[sqft_living, 3]` means its bins together. */
export interface WeightQuery {
  run: string;
  timeline: string;
  step: number;
  weight: string;
  of?: "batch" | "row";
  row?: number;
  features?: {
    [k: string]: Cell;
  };
  weights?: {
    [k: string]: number;
  };
  names?: "own" | "textbook";
}

/** A row of a run's table. */
export interface RowQuery {
  run: string;
  row: number;
}

/** Rows by how far their predictions are off, the worst first. */
export interface RowsQuery {
  run: string;
  timeline: string;
  step: number;
  which?: "train" | "validation";
  most?: number;
}

/** A timeline's figures, from its run's first step on. points: at most so many steps; then each stands for some. */
export interface HistoryQuery {
  run: string;
  timeline: string;
  points?: number;
}

/** A timeline that has ended. */
export interface VerdictQuery {
  run: string;
  timeline: string;
}

/** Two timelines. */
export interface CompareQuery {
  run: string;
  a: string;
  b: string;
  most?: number;
}

/** A run. */
export interface RunQuery {
  run: string;
}

/** A table, by its key. */
export interface TableQuery {
  key: string;
  target?: string | null;
  decimal?: ("," | ".") | null;
  date_order?: ("dmy" | "mdy" | "ymd") | null;
  missing?: string;
}

/** Go on from the end of a timeline. */
export interface Train {
  run: string;
  timeline: string;
  stop?: number | null;
  speed?: number | null;
}

/** Train on from a moment with several learning rates, by turns; each becomes a timeline. */
export interface Race {
  run: string;
  timeline: string;
  step: number;
  rates: number[];
  steps?: number;
  speed?: number | null;
}

/** Start over from a moment, with something changed; what is left out stays as it is. */
export interface Fork {
  run: string;
  timeline: string;
  step: number;
  name?: string | null;
  settings?: {
    [k: string]: string;
  };
  weights?: {
    [k: string]: number;
  };
}

/** Forget some timelines, the last one first; none may be the run's first one, or have forks that stay. */
export interface Drop {
  run: string;
  timelines: string[];
}

/** Begin a run on a table; what is None, and a setting that is left out, takes the default. */
export interface Begin {
  table: string;
  target: string;
  columns?: string[] | null;
  kinds?: {
    [k: string]: string;
  };
  task?: ("classification" | "regression") | null;
  settings?: {
    [k: string]: string;
  };
  seed?: number | null;
  decimal?: ("," | ".") | null;
  date_order?: ("dmy" | "mdy" | "ymd") | null;
  missing?: string;
}

export interface Questions {
  layout: { query: LayoutQuery; reply: Layout };
  names: { query: NamesQuery; reply: Called };
  moment: { query: DrawnQuery; reply: Moment };
  step: { query: MomentQuery; reply: Step };
  weights: { query: DrawnQuery; reply: ArrayBuffer };
  unit: { query: UnitQuery; reply: Unit };
  axes: { query: AxesQuery; reply: Axes };
  maps: { query: MapsQuery; reply: ArrayBuffer };
  surface: { query: SurfaceQuery; reply: Surface };
  landscape: { query: LandscapeQuery; reply: Landscape };
  pulls: { query: PullsQuery; reply: Pulls };
  paths: { query: WeightQuery; reply: Paths };
  wishes: { query: WeightQuery; reply: Wishes };
  wrong_way: { query: MomentQuery; reply: WrongWay };
  chain: { query: WeightQuery; reply: Chain };
  signs: { query: WeightQuery; reply: Signs };
  line: { query: MomentQuery; reply: Line };
  account: { query: MomentQuery; reply: Account };
  row: { query: RowQuery; reply: Row };
  worst: { query: RowsQuery; reply: RowErrors };
  history: { query: HistoryQuery; reply: History };
  verdict: { query: VerdictQuery; reply: Verdict };
  rates: { query: MomentQuery; reply: Rates };
  compare: { query: CompareQuery; reply: Comparison };
  run: { query: RunQuery; reply: Run };
  shelf: { query: Nothing; reply: Shelf };
  table: { query: TableQuery; reply: Table };
}

export interface Commands {
  train: { query: Train; reply: Nothing };
  race: { query: Race; reply: Run };
  stop: { query: Nothing; reply: Nothing };
  fork: { query: Fork; reply: Run };
  drop: { query: Drop; reply: Run };
  begin: { query: Begin; reply: Begun };
}
