// The figures of timelines as a table: a row for each step that is known, and for each end of an epoch.
import type { Numbers } from "../lib/export";
import type { Shown } from "./curves";

export function figures(shown: readonly Shown[], error: string, unit: string): Numbers {
  const in_unit = unit ? `${error}, ${unit}` : error;
  const rows: Numbers["rows"] = [];
  for (const { name, history } of shown.toReversed()) {
    const epochs = new Map(history.epochs.map((one) => [one.step, one]));
    const places = new Map(history.step.map((step, i) => [step, i]));
    for (const step of [...new Set([...places.keys(), ...epochs.keys()])].sort((a, b) => a - b)) {
      const [ended, i] = [epochs.get(step), places.get(step) ?? -1];
      rows.push([
        name,
        step,
        ended?.epoch ?? null,
        ended?.train ?? null,
        ended?.validation ?? null,
        history.E[i] ?? null,
        history.rate[i] ?? null,
        history.gradient_norm[i] ?? null,
        history.update_norm[i] ?? null,
      ]);
    }
  }
  const head = ["timeline", "step", "epoch ended", `train (${in_unit})`, `validation (${in_unit})`];
  return { head: [...head, "E of the step", "learning rate", "size of ∂E/∂w", "size of the update"], rows };
}
