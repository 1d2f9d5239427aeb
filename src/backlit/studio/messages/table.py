"""The tables to begin on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backlit.studio.messages.asked import DateOrder, Decimal
from backlit.tables.numerals import Question


@dataclass(frozen=True)
class TableColumn:
    """A column of a table that is not learnt from yet.

    Attributes
    ----------
    kind : what it is taken for, "drop" where it is of no use
    why : why it is of no use, or what was noticed
    trouble : why it cannot be learnt from as that kind; "" where it can
    question : the one that is behind its trouble
    """

    name: str
    kind: str
    missing: int
    distinct: int
    examples: tuple[str, ...]
    why: str
    trouble: str
    question: Question | None


@dataclass(frozen=True)
class Table:
    """A table to begin on.

    Attributes
    ----------
    notices : of the table in whole
    target : asked for, or guessed
    task : what that makes it
    trouble : why it cannot be the target
    decimal, date_order, missing : as it was asked to be read
    """

    key: str
    name: str
    rows: int
    columns: tuple[TableColumn, ...]
    head: tuple[tuple[str, ...], ...]
    notices: tuple[str, ...]
    target: str
    task: Literal["regression", "classification"]
    trouble: str
    decimal: Decimal | None
    date_order: DateOrder | None
    missing: str
