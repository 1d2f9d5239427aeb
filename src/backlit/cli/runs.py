"""`backlit show`, `history`, `diff`, `fork`, `resume`, `verify`, `export`, `keep`, `drop` and `gc`: a run's file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text
from rich.tree import Tree

from backlit.cli.text import (
    HEAD,
    NEGATIVE,
    POSITIVE,
    QUIET,
    bars,
    grid,
    print_json,
    show,
    signed,
    test_scores,
)
from backlit.commands import command, shown
from backlit.core.optimizers import OPTIMIZERS, Optimizer
from backlit.core.registry import name_of, resolve
from backlit.core.schedules import SCHEDULES, Schedule
from backlit.errors import ArgumentError, DataError, DivergedError
from backlit.explain.verdict_text import sentence
from backlit.progress import watched
from backlit.runs import export
from backlit.runs.file import require_new
from backlit.runs.run import Run, open_run
from backlit.runs.timeline import FEW, UNFINISHED, Timeline
from backlit.runs.verify import verify as verify_file
from backlit.words import count, fixed, number, percent, plain, say

LISTED = 8  #: weights and rows of a comparison that are shown; --json has all


def summary(run: str, *, json: bool) -> None:
    """What a run file holds."""
    opened = open_run(run)
    if json:
        print_json({**export.description(opened), "storage": opened.storage()})
        return
    about, first, target = opened.about(), opened.timeline(), opened.table.target
    layers = " → ".join(f"{stage.layer.name} {len(stage.units)}" for stage in opened.net.numbered)
    goal = f"{len(target.classes)} classes of {target.names[0]}" if target.classes else ", ".join(target.names)
    row, last = first.row(), first.at()
    facts = {
        "predicts": goal,
        "from": f"{len(opened.table.columns)} columns: {', '.join(column.name for column in opened.table.columns)}",
        "network": f"{len(opened.net.inputs)} inputs → {layers}, {opened.net.size:,} weights, {opened.net.loss.name}",
        "learns by": _way(first),
        "trained": f"seed {row.seed}, {last.step:,} steps in {last.epoch} epochs, {_ended(row.reason)}",
        "rows": ", ".join(f"{count:,} {name}" for name, count in about.get("rows", {}).items()) + _split(about),
        "written": f"{row.created} by backlit {about.get('versions', {}).get('backlit', '?')}, {row.engine} engine",
        "timelines": ", ".join(map(_named, opened.timelines())),
        **_stored(opened.storage()),
    }
    about_it = _facts(facts)
    if curve := _curve(first, 40):
        about_it.add_row(Text("error", style=QUIET), curve)
    for notice in opened.table.notices:
        about_it.add_row(Text("note", style=QUIET), Text(plain(notice)))
    parts: list[RenderableType] = [Group(Text(plain(str(opened.path)), style=HEAD), about_it)]
    judged_at = about.get("judged_at", last.step)
    then = "" if judged_at == last.step else f" after {judged_at:,} steps"
    parts += test_scores(about.get("scores", {}), f"on the test rows{then}", target.unit)
    verdict = about.get("verdict")
    if verdict and (line := sentence(verdict, target.unit, target.names[0])):
        parts.append(plain(f"After {judged_at:,} steps: {line[:1].lower()}{line[1:]}" if then else line))
    show([*parts, *_again(first.commands())])


def _again(commands: Sequence[str]) -> list[RenderableType]:
    """The lines that make a timeline again, where they are known."""
    labels = ["again", *[""] * len(commands)]
    return ["\n".join(f"{label:8}{shown(line)}" for label, line in zip(labels, commands))] if commands else []


def _way(timeline: Timeline) -> str:
    """How a timeline learns: every setting that makes its steps, as it is."""
    settings, dropout, watched = timeline.settings(), timeline.net.dropout, timeline.run.watched
    size = settings.batch_size
    limits = {"epochs": settings.epochs, "steps": settings.max_steps, "seconds": settings.max_seconds}
    return ", ".join(filter(None, (
        _optimizer(settings.optimizer),
        f"learning rate {settings.learning_rate:g}",
        f"schedule {_schedule(settings.schedule)}",
        f"batches of {size:,}" if size else "all rows in each step",
        f"dropout {dropout:g}" if dropout else "no dropout",
        " or ".join(f"{number(limit)} {what}" for what, limit in limits.items() if limit is not None),
        f"patience {settings.patience}" if settings.patience else "",
        f"watching {watched or timeline.net.loss.name}",
    )))  # fmt: skip


def _optimizer(optimizer: Optimizer) -> str:
    """Its name, and what is other than that optimizer's own."""
    name, own = name_of(OPTIMIZERS, optimizer), _differing(optimizer)
    return f"{name} ({own})" if own else name


def _schedule(schedule: Schedule) -> str:
    """The name by which it is chosen; else its own name with its numbers."""
    name = name_of(SCHEDULES, schedule)
    return name if schedule == resolve("schedule", SCHEDULES, name) else f"{name} ({_differing(schedule)})"


def _differing(record: Any) -> str:
    """The fields of a record that its kind has otherwise by default."""
    usual = type(record)()
    return ", ".join(
        f"{field.name.replace('_', ' ')} {_value(getattr(record, field.name))}"
        for field in fields(record)
        if getattr(record, field.name) != getattr(usual, field.name)
    )


def _split(about: Mapping[str, Any]) -> str:
    """How the rows were parted, where that is known."""
    split = about.get("split")
    if not split:
        return ""
    how = {"row": "at random", "group": f"by {split['column']}", "time": f"by {split['column']}"}[split["by"]]
    return f"; parted {how}" + (f", split seed {split['seed']}" if "seed" in split else ", the latest to test on")


def _stored(storage: dict[str, Any]) -> dict[str, str]:
    inside = "the table's rows are inside" if storage["table"] else "encoded rows are inside"
    if not storage["rows"]:
        inside = "no rows are inside: the table is needed to make steps again"
    slowest = storage["slowest_restore"]
    any_step = "" if slowest is None else f"; any step is back in about {max(slowest, 0.01):.2f} s"
    return {"file": f"{storage['bytes'] / 1e6:.1f} MB, {count(storage['snapshots'], 'snapshot')}{any_step}; {inside}"}


def _ended(reason: str | None) -> str:
    if reason is None:
        return "not ended (being trained, or cut off: `backlit resume` goes on)"
    return plain(say(f"ended.{reason}"))


def _facts(facts: dict[str, str]) -> Grid:
    made = grid(())
    made.show_header = False
    for name, fact in facts.items():
        made.add_row(Text(name, style=QUIET), Text(plain(fact)))
    return made


def _curve(timeline: Timeline, most: int) -> Text | None:
    """What was watched, epoch by epoch, as people read it."""
    epochs = timeline.epochs()
    errors = [epoch.metric for epoch in epochs if epoch.metric is not None]
    if not errors and not timeline.run.watched:
        errors = [epoch.error for epoch in epochs if epoch.error is not None]
    if not any(map(math.isfinite, errors)):
        return None
    best, measure = max if timeline.settings().greater_is_better else min, timeline.run.measure
    first, last, best = (_figure(measure(E), measure.unit) for E in (errors[0], errors[-1], best(errors)))
    return Text.assemble((bars(errors, most), POSITIVE), plain(f"  {measure.name} {first} → {last}, best {best}"))


def _figure(value: float, unit: str) -> str:
    return number(value, unit) if unit or abs(value) >= 1000 else fixed(value)


def history(run: str, *, json: bool) -> None:
    """A tree of the timelines."""
    opened = open_run(run)
    if json:
        print_json([export.described(timeline) for timeline in opened.timelines()])
        return
    timelines = {timeline.number: timeline for timeline in opened.timelines()}
    branches: dict[int | None, Tree] = {None: Tree(Text(plain(str(opened.path)), style=HEAD), guide_style=QUIET)}
    for timeline in timelines.values():
        branches[timeline.number] = branches[timeline.row().parent].add(_branch(timeline))
    show([branches[None]])


def _branch(timeline: Timeline) -> RenderableType:
    row = timeline.row()
    at = f"steps {row.step:,} to {timeline.steps():,}"
    kept = ", kept" if row.kept else ""
    lines: list[Text] = [Text.assemble((plain(row.name), HEAD), (f"   {at}, {_ended(row.reason)}{kept}", QUIET))]
    about = [_few(timeline), _changes(timeline.changes)]
    if any(about):
        lines.append(Text(plain(", ".join(filter(None, about)))))
    if curve := _curve(timeline, 32):
        lines.append(curve)
    return Group(*lines)


def _few(timeline: Timeline) -> str:
    """Which rows a first timeline learns from, where they are few."""
    own = timeline.parent is None and len(timeline.numbers()) <= FEW
    return say("timeline.learns", rows=timeline.rows_in_words()) if own else ""


def _named(timeline: Timeline) -> str:
    few = _few(timeline)
    return f"{timeline.name} ({few})" if few else timeline.name


def _changes(changes: dict[str, Any]) -> str:
    """Old and new values in words."""
    pairs = {**{k: v for k, v in changes.items() if k != "weights"}, **changes.get("weights", {})}
    return ", ".join(f"{name} {_value(old)} → {_value(new)}" for name, (old, new) in pairs.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        own = ", ".join(f"{name} {_value(one)}" for name, one in value.items() if name != "name" and one is not None)
        return f"{value.get('name')} ({own})" if own else str(value.get("name"))
    return f"{value:.6g}".replace("-", "−") if isinstance(value, float) else str(value)


def diff(run: str, a: str, b: str, *, step: int | None, json: bool) -> None:
    """Two timelines side by side."""
    opened = open_run(run)
    comparison = opened.compare(a, b, step)
    if json:
        tables = {"epochs": comparison.epochs(), "weights": comparison.weights, "rows": comparison.rows()}
        tables = {name: table.to_dicts() for name, table in tables.items()}
        places = {"parted": comparison.parted, "at": comparison.at, "best": comparison.best}
        print_json({"a": a, "b": b, **places, "changes": comparison.changes, **tables})
        return
    unit, classes = opened.table.target.unit, opened.table.target.classes
    at = f"each at its best: {a} at step {comparison.at[0]:,}, {b} at step {comparison.at[1]:,}"
    at = at if comparison.best else f"both at step {comparison.at[0]:,}"
    settings = "; ".join(f"{name}: {_changes(changes) or 'as before'}" for name, changes in comparison.changes.items())
    parted = f"the same up to step {comparison.parted:,}" if comparison.parted is not None else "two first timelines"
    head = Text.assemble(
        (plain(f"{a} and {b}"), HEAD), f"   {parted}\n", (plain(settings), QUIET),
        f"\ncompared {plain(at)}",
    )  # fmt: skip
    curves = _facts({})
    for timeline in (comparison.a, comparison.b):
        curves.add_row(Text(plain(timeline.name), style=QUIET), _curve(timeline, 32) or Text("no epoch yet"))
    weights = grid(("the weights that differ most", a, b, "b − a"))
    for name, *values in comparison.weights.head(LISTED).iter_rows():
        weights.add_row(Text(plain(name)), *(signed(value) for value in values))
    rows = comparison.rows()
    what = "row, and the probability of its true class" if classes else "row, and what it is predicted as"
    gains = grid((f"{what} ({len(rows):,} rows)", "truth", a, b, "nearer by"))
    for at in (*range(min(LISTED // 2, len(rows))), *range(max(LISTED // 2, len(rows) - LISTED // 2), len(rows))):
        row, truth, *predictions, gain = rows.row(at)
        shown = [percent(value) if classes else number(value, unit) for value in predictions]
        cells = [Text(plain(text)) for text in (truth if classes else number(truth, unit), *shown)]
        gains.add_row(
            Text(f"{row:,}"),
            *cells,
            Text(percent(gain) if classes else number(gain, unit), style=POSITIVE if gain >= 0 else NEGATIVE),
        )
    better = int((rows["gain"] > 0).sum())
    summary = Text(f"{plain(b)} is nearer to the truth on {better:,} of {len(rows):,} rows", style=QUIET)
    show([head, curves, weights, Group(gains, summary)])


def fork(
    run: str, *, table: str | None, step: int | None, timeline: str | None, train: bool, steps: int | None,
    json: bool, options: dict[str, Any], **changes: Any,
) -> None:  # fmt: skip
    """Begin another timeline, and train it.

    options : those typed, as they were typed, from which the line is made that reproduces it
    """
    opened = open_run(run, table)
    made = opened.fork(step, timeline, **{k: v for k, v in changes.items() if v is not None})
    parent = made.parent
    assert parent is not None
    exact = {"timeline": parent.name, "step": made.start, "name": made.name}
    opened.typed(made.name, command("fork", run, **{**options, **exact}))
    if train:
        _train(made, steps)
        if not json and made.steps() == made.start and (reason := made.finished()):
            facts = {"timeline": made.name, "step": made.start, "reason": say(f"ended.{reason}")}
            show([Text(plain(say("fork.at_the_end", **facts)), style=HEAD)])
    _result(made, json)


def resume(run: str, *, table: str | None, timeline: str | None, steps: int | None, json: bool) -> None:
    """Go on with a timeline."""
    opened = open_run(run, table)
    chosen = opened.timeline(timeline) if timeline else _unfinished(opened, steps)
    finished = None if steps else chosen.finished()
    if finished is None:
        beyond = _beyond(chosen, steps)
        _train(chosen, steps)
        if beyond:
            opened.typed(chosen.name, command("resume", run, timeline=chosen.name, steps=beyond), more=True)
    elif not json:
        remark = f"{run} is finished: nothing of it was cut off. To go on beyond its end, say how far (--steps)"
        show([Text(plain(remark), style=HEAD)])
    _result(chosen, json, finished=finished is not None)


def _beyond(timeline: Timeline, steps: int | None) -> int:
    """How many of these steps lie beyond where a timeline would end by itself."""
    if steps is None:
        return 0
    end = timeline.end()
    left = 0 if end.reason else end.planned - timeline.steps()
    return max(0, steps - left)


def _unfinished(run: Run, steps: int | None) -> Timeline:
    """The timeline that was cut off last; where none was, the last, if it is not to go on."""
    timelines = run.timelines()
    open_ = [t for t in timelines if t.reason() in UNFINISHED]
    if not open_ and len(timelines) > 1 and steps:
        raise ArgumentError("resume.which", run=run.path, timelines=", ".join(repr(t.name) for t in timelines))
    return (open_ or [t for t in timelines if t.reason() != "diverged"] or list(timelines))[-1]


def _train(timeline: Timeline, steps: int | None) -> None:
    """Train with a live bar; Ctrl-C ends it and keeps what was learnt."""
    state, events = timeline.nearest(), timeline.events(steps)
    stop = state.step + steps if steps else timeline.end().planned
    try:
        for _ in watched(events, timeline.plan(), timeline.run.table.target, state, stop):
            pass
    except DivergedError as error:
        error.add_note(say("diverged.remedy", **error.facts))
        error.facts |= {"timeline": timeline.name, "rate": None}
        raise
    except KeyboardInterrupt:
        pass
    finally:
        events.close()


def _result(timeline: Timeline, json: bool, **facts: bool) -> None:
    if json:
        print_json({**export.described(timeline), "commands": timeline.commands(), **facts})
    else:
        show([_branch(timeline), *_again(timeline.commands())])


def verify(run: str, *, deep: bool, table: str | None, json: bool) -> bool:
    """Whether a run file is as it was written."""
    try:
        report = open_run(run, table).verify(deep)
    except DataError:
        report = verify_file(Path(run))  # what cannot be opened is looked at all the same
        if report.sound:
            raise
    if json:
        print_json({**asdict(report), "path": str(report.path), "sound": report.sound})
        return report.sound
    counts = ", ".join(f"{count:,} of {name}" for name, count in report.rows.items())
    lines = [Text(f"looked at rows: {counts}", style=QUIET)]
    if report.replayed:
        lines.append(Text(f"made {report.replayed:,} steps again", style=QUIET))
    lines += [Text(plain(str(remark)), style=NEGATIVE) for remark in report.damaged]
    verdict = (
        "as it was written" if report.sound else f"{len(report.damaged)} things are damaged; what can still be read:"
    )
    lines.append(Text(plain(f"{run}: {verdict}"), style=HEAD))
    lines += [Text(plain(str(remark))) for remark in report.recoverable]
    show([Group(*lines)])
    return report.sound


def exported(
    run: str, *, safetensors: str | None, csv: str | None, without_rows: str | None, step: int | None,
    timeline: str | None, force: bool, json: bool,
) -> None:  # fmt: skip
    """Write what a run holds for other programs."""
    opened = open_run(run)
    for path in filter(None, (safetensors, csv, without_rows)):
        require_new(path, force, "command", [run])
    if not (json or safetensors or csv or without_rows):
        raise ArgumentError("option.export")
    written = []
    if safetensors:
        written.append(export.safetensors(opened.timeline(timeline), safetensors, step, force))
    if csv:
        written.append(export.csv(opened.timeline(timeline), csv, force))
    if without_rows:
        written.append(export.without_rows(opened, without_rows, force))
    if json:
        print_json({**export.description(opened), "written": list(map(str, written))})
        return
    for path in written:
        print(f"wrote {plain(str(path))}")


def keep(run: str, timeline: str, *, release: bool, json: bool) -> None:
    """Protect a timeline, or no longer."""
    opened = open_run(run)
    opened.keep(timeline, not release)
    if json:
        print_json(export.described(opened.timeline(timeline)))


def drop(run: str, timeline: str, *, json: bool) -> None:
    """Forget a timeline."""
    opened = open_run(run)
    opened.drop(timeline)
    if json:
        print_json([export.described(other) for other in opened.timelines()])


def gc(run: str, *, json: bool) -> None:
    """Give room back to the disk."""
    freed = open_run(run).gc()
    print_json({"freed": freed}) if json else print(f"{freed / 1e6:.1f} MB freed")
