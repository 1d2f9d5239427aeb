"""Setting up a run: what there is to begin on, what a table looks like, and the run that is begun."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from backlit.commands import command
from backlit.core.values import Names, Numbers
from backlit.errors import ArgumentError, BacklitError, DataError, UnknownNameError
from backlit.fitting import prepare
from backlit.lesson import SMALL
from backlit.problem import Parting, Problem, describe_target, rows_with
from backlit.recipe import SETTINGS, TYPED, Recipe, Setting, values_typed
from backlit.runs.run import FIRST
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.messages import Begin, Begun, News, Nothing, TableColumn, TableQuery
from backlit.studio.shelf import UPLOAD_LIMIT
from backlit.tables.columns import KINDS
from backlit.tables.datasets import HOUSE_UNITS
from backlit.tables.dates import share
from backlit.tables.fields import QuestionError
from backlit.tables.infer import Guess, guess_kind
from backlit.tables.reading import DROP, Hints, Sheet
from backlit.tables.target import guess_task
from backlit.words import plain, say

MOST_WEIGHTS = 20_000_000  #: of a network begun here; each takes some 100 bytes while its moments are looked at
HEAD, EXAMPLES, LETTERS = 8, 3, 40
USUAL = ("hidden", "activation", "encoding", "optimizer", "learning_rate", "batch_size", "epochs", "dropout")
PARTING = Parting()  #: as of `backlit train`
OTHERWISE = "choose classification to take them as classes"

_GOALS = "price|target|label|y|class|outcome"
_GOAL, _GOAL_WORD = (
    re.compile(f"({_GOALS})", re.I),
    re.compile(rf"(^|[_\W])({_GOALS})s?$|(?-i:(?<=[a-z])(Price|Target|Label|Class|Outcome)$)", re.I),
)


def shelf(desk: Desk, query: Nothing) -> messages.Shelf:
    """What can be opened, and begun on."""
    shelf, small = desk.shelf, {name: SETTINGS[name].write(value) for name, value in SMALL.items()}
    return messages.Shelf(
        shelf.opens, shelf.runs(), shelf.tables(), tuple(map(_field, TYPED.values())), small, UPLOAD_LIMIT, shelf.begins
    )


def _field(setting: Setting) -> messages.Setting:
    """A setting as the page draws it."""
    values = setting.values
    limits = values if isinstance(values, Numbers) else Numbers()
    return messages.Setting(
        name=setting.name,
        label=setting.name.replace("_", " ").capitalize(),
        part=setting.part,
        usual=setting.name in USUAL,
        help=setting.help,
        value=setting.write(setting.default),
        none=setting.none,
        kind="names" if isinstance(values, Names) else "number" if limits is values else "units",
        names=tuple(values) if isinstance(values, Names) else (),
        allowed="" if isinstance(values, Names) else str(values),
        **vars(limits),
    )


# --- looking at a table ------------------------------------------------------------------------------------------


def table(desk: Desk, query: TableQuery) -> messages.Table:
    """A table, to begin on."""
    hints = Hints.of(**_reading(query))
    sheet = desk.shelf.table(query.key, hints)
    names = sheet.frame.columns
    key = ("table", query.key, query.decimal, query.date_order, query.missing)
    columns = desk.cached(key, lambda: tuple(_column(sheet, name) for name in names))
    target = _goal(columns) if query.target is None else query.target
    if target not in names:
        raise UnknownNameError("column", target, names)
    sheet = desk.shelf.table(query.key, hints.target(target))
    columns = tuple(_column(sheet, target, target=True) if column.name == target else column for column in columns)
    task, trouble = _task(sheet, target)
    if not trouble and all(column.kind == DROP or column.name == target for column in columns):
        trouble = say("studio.no_column_left", target=plain(target))
    return messages.Table(
        key=query.key,
        name=plain(desk.shelf.listed(query.key).name),
        rows=sheet.frame.height,
        columns=columns,
        head=tuple(tuple(_text(entry) for entry in row) for row in sheet.frame.head(HEAD).iter_rows()),
        notices=tuple(map(plain, sheet.notices.get("", ()))),
        target=target,
        task=task,
        trouble=trouble,
        decimal=query.decimal,
        date_order=query.date_order,
        missing=query.missing,
    )


def _reading(query: TableQuery | Begin) -> dict[str, Any]:
    """How a table is to be read, for `Hints.of`."""
    marks = [mark for part in query.missing.split(",") if (mark := part.strip())]
    return {"decimal": query.decimal, "date_order": query.date_order, "missing": marks}


def _column(sheet: Sheet, name: str, target: bool = False) -> TableColumn:
    """A column; of the target it does not count why it would be left out."""
    series, trouble = sheet[name], sheet.troubles.get(name)
    guess = guess_kind(series) if trouble is None else Guess(_kind_in_trouble(series, trouble))
    remarks = [*sheet.notices.get(name, ()), None if target else guess.notice]
    notice = plain("; ".join(str(remark) for remark in remarks if remark is not None))
    known = series.drop_nulls()
    try:
        different = known.unique(maintain_order=True)
    except pl.exceptions.PolarsError:  # of objects and the like, which are left out in any case
        different = known
    return TableColumn(
        name=name,
        kind=guess.kind,
        missing=len(series) - len(known),
        distinct=len(different),
        examples=tuple(_text(entry) for entry in different.head(EXAMPLES)),
        why=notice,
        trouble="" if trouble is None else _trouble(trouble),
        question=trouble.question if isinstance(trouble, QuestionError) else None,
    )


def _kind_in_trouble(series: pl.Series, trouble: DataError) -> str:
    """What a column is, but for its trouble."""
    dates = trouble.question.option == "date_order" if isinstance(trouble, QuestionError) else share(series) > 0.5
    return "date" if dates else "number"


def _trouble(error: Exception) -> str:
    """What is wrong, and what on the page mends it."""
    return plain(_asked_here(error) if isinstance(error, DataError) else error)


def _asked_here(error: DataError) -> DataError:
    """The same error, naming the choice on the page in place of an option of the command line."""
    if error.kind in ("field.no_number", "field.no_date"):
        return DataError(error.kind.replace("field", "studio"), **error.facts)
    if not isinstance(error, QuestionError):
        return error
    asked = error.question
    meant = " or ".join(asked.readings.values())
    return DataError(f"studio.two_readings.{asked.option}", column=plain(error.name), entry=asked.entry, meant=meant)


def _text(entry: Any) -> str:
    """An entry of a table, not too long."""
    if entry is None or entry != entry:
        return ""
    text = plain(f"{entry:.10g}" if isinstance(entry, float) else str(entry))
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _goal(columns: tuple[TableColumn, ...]) -> str:
    """The column that most likely is to be predicted: one that is called so, else the last one of use."""
    useful = [column.name for column in columns if column.kind != DROP] or [column.name for column in columns]
    for pattern in (_GOAL.fullmatch, _GOAL_WORD.search):
        if called := [name for name in useful if pattern(name)]:
            return called[-1]
    return useful[-1]


def _task(sheet: Sheet, target: str) -> tuple[Any, str]:
    """What predicting a column is, and why it cannot be done."""
    task, series = "regression", sheet[target]
    try:
        sheet.require_plain([target])
        known = series[rows_with(series)]
        task = guess_task(known)
        describe_target(known, None, OTHERWISE)
    except (BacklitError, pl.exceptions.PolarsError) as error:
        return task, _trouble(error)
    return task, ""


# --- beginning ---------------------------------------------------------------------------------------------------


def begin(desk: Desk, query: Begin) -> Begun:
    """Begin a run on a table: nothing is trained yet."""
    try:
        return _begun(desk, query)
    except DataError as error:
        raise _asked_here(error) from None


def _begun(desk: Desk, query: Begin) -> Begun:
    reading = _reading(query)
    names = desk.shelf.table(query.table, Hints.of(**reading)).frame.columns
    for name in (query.target, *(query.columns or ()), *query.kinds):
        if name not in names:
            raise UnknownNameError("column", name, names)
    kinds = _kinds(query, names)
    sheet = desk.shelf.table(query.table, Hints.of(kinds, **reading).target(query.target))
    problem = Problem.of(sheet, query.target, PARTING, task=query.task, otherwise=OTHERWISE)
    chosen = values_typed(query.settings)
    units = HOUSE_UNITS if set(HOUSE_UNITS) <= set(names) else {}
    recipe = Recipe(columns=kinds or None, units=units, **chosen)
    start = prepare(problem, recipe, query.seed)
    if (size := start.plan.net.size) > MOST_WEIGHTS:
        raise ArgumentError("studio.too_many_weights", hidden=str(recipe.layers), weights=size, most=MOST_WEIGHTS)
    name, file, _ = desk.shelf.listed(query.table)
    about: dict[str, Any] = {"source": name}
    if file:
        about["commands"] = {FIRST: [_line(file, query, kinds, chosen, start.seed)]}
    path = desk.shelf.new_run(name)
    with start.recording(path, about):
        pass
    key = desk.shelf.add_run(path)
    desk.publish(News(shelf=shelf(desk, Nothing())))
    return Begun(key, tuple(map(plain, problem.notices)))


def _kinds(query: Begin, names: list[str]) -> dict[str, str]:
    """What is said of the columns; those that are not asked for are left out."""
    asked = names if query.columns is None else query.columns
    kinds = {name: DROP for name in names if name not in asked} | query.kinds
    kinds.pop(query.target, None)
    return kinds


def _line(file: str, query: Begin, kinds: dict[str, str], chosen: dict[str, Any], seed: int) -> str:
    """The command that makes the same run."""
    named = {kind: [name for name, said in kinds.items() if said == kind] for kind in (*KINDS, DROP)}
    task = {"numbers" if query.task == "regression" else "classes": True} if query.task else {}
    typed = {name: TYPED[name].write(value) for name, value in chosen.items()}
    return command(
        "train", file, target=query.target, seed=seed, **task, **named, **_reading(query),
        split_seed=PARTING.seed, **typed,
    )  # fmt: skip
