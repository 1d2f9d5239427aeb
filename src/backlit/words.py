"""The words: what backlit says, from kinds and facts, and how it writes numbers.

Inner rooms answer with a kind and its facts; whoever prints asks `say`. A template names its facts in braces, each with
a format: ``{rows:count row}``, ``{value:number}``, ``{share:percent 0}``. What stands between ``[[`` and ``]]`` is said
where all its facts are there. So few rules can be followed in any language; the page has the same catalogue.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

TINY, HUGE = 1e-4, 1e15  #: beyond which a number is written with an exponent

# --- numbers ---------------------------------------------------------------------------------------------------------


def number(value: float, unit: str = "", digits: int = 4) -> str:
    """A number in its unit: $221,900, 1,180 sqft, 47.51°, 0.03125.

    It has so many significant digits, and whatever stands before the decimal point. In a unit, it has no decimals from
    1,000 up, and dollars have two or none; without one, thousands are parted from five digits on, since 1955 may be a
    year.
    """
    if not math.isfinite(value):
        return "not finite"
    exact = abs(value)
    size = float(f"{exact:.{digits}g}") if exact < 10**digits else exact
    if size >= HUGE or 0 < size < TINY:
        text = _exponent(exact, min(digits, 4))
    elif size >= 10**digits or (unit and size >= 1000):
        text = f"{exact:,.0f}" if unit or size >= 10_000 else f"{exact:.0f}"
    elif unit == "$" and size >= 1 and not size.is_integer():
        text = f"{exact:.2f}"  # $9.073 would be read as thousands
    else:
        text = f"{size:.{digits}g}" if size < 10_000 else f"{size:,.{digits}g}"
    text = f"{'−' if value < 0 else ''}{'$' if unit == '$' else ''}{text}"
    return text if unit in ("", "$") else f"{text}{'' if unit in ('°', '%') else ' '}{unit}"


def fixed(value: float, decimals: int = 4) -> str:
    """A number with so many decimals, for columns and for what moves; 3.1e−8 where it would be rounded to 0."""
    size = abs(value)
    if not math.isfinite(value):
        return "not finite"
    if 0 < size < 0.5 * 10**-decimals or size >= 1e9:
        return "−" * (value < 0) + _exponent(size, 2)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")  # + 0.0 makes −0.0 a plain 0


def percent(share: float, decimals: int = 1) -> str:
    """A share in percent; 0% and 100% are said of nothing else."""
    if not math.isfinite(share):
        return "not finite"
    least = 0.5 * 10**-decimals / 100
    if 0 < share < least:
        return f"<{10**-decimals:g}%"
    if 1 - least < share < 1:
        return f">{100 - 10**-decimals:g}%"
    return f"{share:.{decimals}%}".replace("-", "−")


def chance(probability: float) -> str:
    """A predicted probability, which is never 0 or 1, though its arithmetic may have rounded it."""
    return percent(min(max(probability, 1e-9), 1 - 1e-9)) if math.isfinite(probability) else "not finite"


def count(n: int, noun: str = "") -> str:
    """So many, of something: 12,345; 1 row; 3 classes."""
    if not noun:
        return f"{n:,}"
    if n == 1:
        return f"1 {noun}"
    if re.search("[^aeiou]y$", noun):
        return f"{n:,} {noun[:-1]}ies"
    return f"{n:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def plain(text: object) -> str:
    """Text from a table, or a remark about it, with control characters, terminal codes and direction marks written out as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def listed(names: Sequence[Any], last: str = "and") -> str:
    """Several things in quotes: 'a', 'b' and 'c'."""
    *first, final = map(repr, names)
    return f"{', '.join(first)} {last} {final}" if first else final


def _exponent(size: float, digits: int) -> str:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    return f"{float(mantissa):g}e{int(exponent):+d}".replace("-", "−")


#: what a terminal may take for orders, and JSON lets stand as it is: controls, marks of direction, line ends
_ORDERS = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def to_json(content: Any, indent: int | None = None) -> str:
    """JSON that every reader takes: arrays as lists, records by their fields, remarks as text; NaN and infinity are null."""
    text = json.dumps(_as_json(content), indent=indent, ensure_ascii=False, allow_nan=False)
    return _ORDERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _as_json(content: Any) -> Any:
    if hasattr(content, "tolist"):  # of NumPy
        finite = content.dtype.kind in "biuf" and math.isfinite(content.sum())  # a sum tells of all, and is quick
        content = content.tolist()
        if finite:
            return content
    if isinstance(content, Mapping):
        return {str(key): _as_json(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_as_json(value) for value in content]
    if is_dataclass(content):
        return {field.name: _as_json(getattr(content, field.name)) for field in fields(content)}
    if isinstance(content, Remark):
        return str(content)
    return None if isinstance(content, float) and not math.isfinite(content) else content


# --- sentences -------------------------------------------------------------------------------------------------------

_PART = re.compile(r"\[\[(?P<optional>.*?)\]\]|\{(?P<fact>\w+)(?::(?P<format>\w+) ?(?P<of>[^}]*))?\}")


def say(kind: str, /, **facts: Any) -> str:
    """The sentence of a kind, with its facts. A kind that the catalogue does not have is said by its own name.

    Parameters
    ----------
    kind : a key of WORDS; in what a plug-in adds, any name
    facts : numbers, texts, lists and remarks, by the names that the template has for them
    """
    if kind not in WORDS:
        known = ", ".join(f"{name} {_written(value)}" for name, value in facts.items())
        return ": ".join(filter(None, [kind.rpartition(".")[2].replace("_", " "), known]))
    return _filled(WORDS[kind], facts)


class Remark:
    """Something to be said: a kind and its facts. As text it is the catalogue's sentence.

    Attributes
    ----------
    kind : as of `say`
    facts : plain values, as JSON has them
    """

    def __init__(self, kind: str, /, **facts: Any) -> None:
        self.kind, self.facts = kind, facts

    def __str__(self) -> str:
        return say(self.kind, **self.facts)

    def __repr__(self) -> str:
        return f"Remark({', '.join([repr(self.kind), *(f'{name}={value!r}' for name, value in self.facts.items())])})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remark) and (self.kind, self.facts) == (other.kind, other.facts)

    def __hash__(self) -> int:
        return hash(str(self))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind, **self.facts}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Remark:
        """The same again."""
        facts = dict(saved)
        return cls(facts.pop("kind"), **facts)


def _filled(template: str, facts: Mapping[str, Any]) -> str:
    def part(match: re.Match[str]) -> str:
        optional, fact, name, of = match.group("optional", "fact", "format", "of")
        if optional is not None:
            there = all(facts.get(each["fact"]) not in (None, "") for each in _PART.finditer(optional))
            return _filled(optional, facts) if there else ""
        return _formatted(facts[fact], name or "", of or "", facts)

    return _PART.sub(part, template)


def _formatted(value: Any, name: str, of: str, facts: Mapping[str, Any]) -> str:
    if name in ("number", "fixed", "percent", "chance"):
        value = math.nan if value is None else value  # as JSON has it
    if name == "number":
        return number(value, digits=int(of)) if of.isdigit() else number(value, facts[of] if of else "")
    if name in ("fixed", "percent"):
        return {"fixed": fixed, "percent": percent}[name](value, *([int(of)] if of else []))
    if name == "count":
        return count(value, of)
    if name == "quoted":
        return repr(value)
    if name in ("and", "or"):
        return listed(value, name)
    if name == "list":
        return ", ".join(map(str, value))
    return chance(value) if name == "chance" else str(value)


def _written(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)


WORDS: dict[str, str] = {
    # what goes wrong: anywhere
    "unknown_name": "unknown {what} {name:quoted}[[ of {of:quoted}]]; [[did you mean {near:or}?]][[known: {known:and}]]",
    "memory": "that takes more memory than this machine has; take fewer units, rows or bins",
    "extra_missing": "{what} {module}, which is not installed; pip install 'backlit[{extra}]'",
    "not_allowed": "{setting} is {value:quoted}; it must be {allowed}",
    # how a network compares with a baseline
    "baseline.mean": "always the mean",
    "baseline.class shares": "always the shares of the classes",
    "finding.not_better": "no better than {baseline}, {metric} {own} against {other}",
    "finding.not_surely_better": "not surely better than {baseline}, {metric} {own} against {other} on {rows:count row}",
    "finding.worse": "worse than the {baseline}, {metric} {own} against {other}",
    "finding.alike": "about as good as the {baseline}, {metric} {own} against {other}: too close to tell on {rows:count row}",
    "finding.better": "better than the {baseline}, {metric} {own} against {other}",
    # what training did
    "finding.diverged": "training diverged at step {step:count}[[, for {why}]]",
    "finding.overshot": "the error rose instead of falling[[, for {why}]]",
    "finding.overshooting": "[[from step {at:count} on, ]]above a rate of 2 / {curvature:number 3} = {limit:number 2} each step lands farther up the other side than it came from, and yours is {rate:number 2}",
    "finding.never_moved": "the error hardly fell, from E {start:number 3} to {best:number 3}[[: {why}]]",
    "finding.too_slow": "learning is too slow[[: {why}]]",
    "finding.timid": "the error falls with rates up to {limit:number 2}, and yours is {rate:number}",
    "finding.still_falling": "the error was still falling at the last epoch: by {fall:percent 0} over the second half of training",
    "finding.late_fall": "the error was still falling at the last epoch: {share:percent 0} of its whole fall was in the second half of training",
    "finding.no_signal": "neither is the linear model, so the columns may not predict {target}",
    "finding.underfitted": "with a dropout of {dropout:number} it does hardly better on the rows it learns from than on others",
    "finding.overfitted": "epoch {best_epoch} of {epochs} was the best, and its weights are used; E rose by {rise:percent 0} after it",
    # what is damaged in a run file, and what is not
    "damage.structure": "the file's structure: {text}",
    "damage.row": "{row} is not as it was written",
    "damage.senseless": "{row} makes no sense[[: {why}]]",
    "damage.unreadable": "{table}, after {rows:count} rows: {why}",
    "damage.arrays": "{owner} lacks its {names:list}",
    "damage.fact": "about lacks the {key}",
    "damage.figures": "timeline {timeline:quoted} has no figures of steps {start:count} to {stop:count}",
    "damage.epoch": "timeline {timeline:quoted} lacks an epoch",
    "damage.no_start": "timeline {timeline:quoted} has no state to begin with",
    "damage.no_timeline": "there is no timeline",
    "damage.other_state": "its snapshot of step {step:count} is another state than the steps before lead to",
    "damage.json": "it holds {length:count} characters of JSON where at most {limit:count} are expected",
    "damage.content": "{type}: {why}",
    "damage.schema": "its tables are not those of a run file[[: {why}]]",
    "damage.inputs": "its network and its table name different inputs",
    "damage.units": "its layers claim {units:count} units where at most {limit:count} are expected",
    "damage.no_parent": "timeline {timeline:quoted} has no parent",
    "damage.no_state": "{row} holds no state of this network with a memory of {optimizer}",
    "damage.no_epoch": "the figures of epoch {epoch} are not there",
    "damage.no_data": "the encoded rows {number} are not there",
    "damage.row_numbers": "the numbers of its rows are none",
    "damage.no_array": "the array {hash} is not there",
    "damage.array_type": "an array claims the type {type:quoted}, or a shape that none here has",
    "damage.array_shape": "the array {hash} has shape {shape} where {expected} is expected",
    "damage.array_size": "an array claims {size:count} bytes where at most {limit:count} are expected",
    "damage.array_end": "an array ends at byte {at:count} of {size:count}",
    "damage.array_bytes": "an array does not unpack to the {size:count} bytes that it claims",
    "damage.table": "its table cannot be read: {why}",
    "damage.table_size": "its table would take {size:count} bytes where at most {limit:count} are expected",
    "damage.column_twice": "two columns of its table have one name",
    "damage.column_type": "a column of its table claims the type {type:quoted}",
    "damage.column_arrays": "a column of its table, of the type {type}, has the arrays of another",
    "damage.date": "a date of its table is beyond the years 1 to 9999",
    "damage.levels": "the levels of a column of its table do not make up its texts",
    "damage.steps": "timeline {timeline:quoted}, steps {start:count} to {stop:count}: {why}",
    "recoverable.nothing": "timeline {timeline:quoted}: nothing",
    "recoverable.states": "timeline {timeline:quoted}: the states of steps {start:count} to {stop:count}, from {snapshots:count snapshot}[[ ({lost:count} more are damaged; their steps are repeated from the one before)]]",
    "recoverable.no_bits": "timeline {timeline:quoted} cannot be replayed to the bit: {why}",
    # what is odd about a table
    "header.blanks": "blanks around column names are ignored, as in {name:quoted}",
    "header.data": "the line of column names looks like data ({names}, ...); if it is, write the columns' names above it",
    "columns.fewer_bins": "{columns:count} columns of numbers get {bins} bins each instead of {asked}: the rows are too few for so many weights",
    "columns.no_bins": "{columns:count} columns of numbers get no bins instead of {asked}: the rows are too few for so many weights",
    "rows.no_test": "no row is left to test on; give more rows",
    "rows.no_target": "{rows:count row} without {target}: left out",
    "target.few_values": "{target} has {levels} different values and is taken as numbers; {otherwise}",
    "target.rare_classes": "{rows:count row} alone in a class of {target}, such as {entry:quoted}: too few to learn from",
    "target.other_scale": "y is on another scale than what was learnt before (centre {centre}, scale {scale}; it was {old_centre} and {old_scale}): learning continues on the new scale, from the same weights",
    "target.given_away": "{column} alone gives {target} away: leave it out if it is not known when you predict",
    # why a column is left out
    "column.missing": "{column} is left out: all its fields are missing",
    "column.missing_in_part": "{column} is left out: all its fields are missing in the training rows",
    "column.same": "{column} is left out: it is the same in every row",
    "column.same_in_part": "{column} is left out: it is the same in every training row",
    "column.twin": "{column} is left out: it equals {other}",
    "column.type": "{column} is left out: it holds {type}; turn it into numbers, text or dates to learn from it",
    "column.too_large": "{column} is left out: its whole numbers, such as {entry}, are too large to tell apart",
    "column.numbers_rows": "{column} is left out: it numbers the rows",
    "column.free_text": "{column} is left out: it looks like free text ({levels:count} different entries, such as {entry:quoted})",
    "column.names_rows": "{column} is left out: it looks like names of rows ({levels:count} different entries, such as {entry:quoted})",
    "column.odd_figures": "{column} is left out: it looks like names of rows ({levels:count} different entries, such as {entry:quoted}); write numbers as in 1234.5, and dates as in 2014-05-31",
    # how a column is read
    "column.own_numbers": "{column} has a different whole number in nearly every row; leave it out if it only names the rows",
    "column.large_names": "{column} holds whole numbers such as {entry}, which are too large to tell apart; they are taken as names",
    "column.codes": "{column} holds codes that begin with a zero; they are taken as categories",
    "column.numbers_as_text": "{column} holds numbers written as text, such as {entry:quoted}; they are read as numbers",
    "column.no_date_order": "{column} is taken as text: its dates mix the orders of day and month",
    "column.no_number": "{column} is taken as text: {entry:quoted} is no number and no date",
    "column.mark": "{column}: {marks:or} is taken as missing ({rows:count row})",
    "column.blank": "{column}: a blank field is taken as missing ({rows:count row})",
    "column.blanks_around": "{column}: blanks around entries are ignored, as in {entry:quoted}",
    "column.read_as": "{column}: {entry} read as {value}",
    "column.read_as_utc": "{column}: {entry} read as {value}, which is UTC",
    "column.capitals": "{column}: {entry:quoted} and {other:quoted} differ only in capital letters; write them alike if they mean the same",
    "column.final_dot": "{column}: {entry:quoted} and {other:quoted} differ only in a final dot; write them alike if they mean the same",
    # what goes wrong: core, engines, training, model
    "not_finite": "{name}[{place}] is {value}; replace it or leave the row out (rows count from 0)",
    "loss.domain": "Y[{row}, {column}] is {value:number 6}; {loss} needs targets that are {allowed}",
    "loss.outputs": "Y has {columns} columns, but the network has {outputs} outputs; they must be equal",
    "loss.several_outputs": "loss is {loss:quoted}, which has {outputs:count output} for {columns:count column} of the target; a loss of several outputs learns one column, so take one",
    "loss.quantile": "quantile with {levels} levels needs {levels} outputs and one column of Y; there are {outputs} and {columns}",
    "loss.cross_entropy": "cross_entropy needs one column of Y (the class) and two or more outputs; there are {columns} and {outputs}",
    "network.position": "position is {position:quoted}; theta has positions 0 to {last}",
    "network.input_twice": "inputs names {name:quoted} twice; each name may stand once, and spaces are ignored",
    "network.unit_twice": "layers[{position}], {layer}, calls two of its units or weights {name:quoted}; each name may stand once, and spaces are ignored",
    "network.no_weights": "layers holds nothing with weights; add a Dense",
    "network.two_norms": "layers repeats {layers}; put a Dense between two layers of norms",
    "network.no_layer": "layers holds {layer:quoted}; give layers such as Dense(3, 1, 'tanh')",
    "network.no_inputs": "inputs is None, and no layer tells how many there are; give their names",
    "network.width": "layers[{position}], {layer}, takes {width} inputs, but {sources} come in; make the two equal",
    "network.weight_of_bins": "{name} stands for {weights} weights; give each of its bins a value of its own",
    "network.weight_shape": "weights[{name:quoted}] has shape {shape}; it must be {expected}",
    "network.axes": "layers[{position}], {layer}, names {named} weights, but {weight} has shape {shape}; make axes() fit shapes()",
    "registry.no_record": "{what} is {spec:quoted}; give a name ({names:list}) or a record",
    "engine.cannot_run": "engine is 'native', which cannot run this: {reason}; [[{reinstall}, or ]]choose 'auto' or 'reference'",
    "engine.slow": "the fast engine cannot be used: {reason}. The reference engine runs instead, several times slower; [[{reinstall}, or ]]choose engine 'reference' to have it without this warning",
    "engine.reinstall": "reinstall with a C++20 compiler (g++ 12 or clang 14, or newer) at hand: pip install --force-reinstall --no-binary backlit backlit",
    "lacks.compiled": "it was not compiled at install",
    "lacks.processor": "this processor has no AVX2",
    "lacks.instruction_set": "BACKLIT_ISA is {wish:quoted}, and this processor has {sets:list}",
    "lacks.dtype": "it computes in float32, and the data are {dtype}",
    "lacks.piece": "it has no {name}",
    "lacks.activation": "it has no activation {name}",
    "lacks.epsilon": "in float32 its epsilon of {epsilon:number} is 0",
    "lacks.bins": "it wants PiecewiseLinear to come first and a Dense next",
    "lacks.numbers": "it numbers at most {most:count} bins and inputs",
    "lacks.dropouts": "it has no three dropouts in a row",
    "shape.unlike": "{name} has shape {shape}; this network wants {expected}",
    "engine.memory": "the state's memory holds {names}, which is not that of {optimizer}; use the optimizer that made it, or start again",
    "engine.positions": "batches holds positions beyond the {rows} rows of the data",
    "engine.native_cannot_run": "the native engine cannot run this: {reason}; choose 'auto' or 'reference'",
    "data.no_numbers": "{name} holds {dtype}, not numbers; encode it first",
    "data.weights_shape": "weights has shape {shape}; give one weight for each of the {rows} rows",
    "data.weights_below_zero": "weights run from {least:number 6} and sum to {total:number 6}; none may be negative, not all weights zero",
    "data.shapes": "X has shape {X} and Y {Y}; give (n, d) and (n, k)",
    "data.row_counts": "X has {X} rows and Y {Y}; give one target row for each input row",
    "data.no_rows": "X has no rows; give at least one",
    "data.rows_type": "rows holds {dtype}; give each row's position in its table, a whole number",
    "data.rows_shape": "rows has shape {shape}; give one number for each of the {rows} rows",
    "data.row_twice": "rows names a row twice; give each its own number, and a weight of 2 to one that counts double",
    "rows.positions": "positions holds {dtype} of shape {shape}; give (m,) whole numbers",
    "rows.none": "positions names no row; give at least one",
    "rows.beyond": "positions names a row beyond the {rows} rows of the data",
    "rows.twice": "positions names a row twice; give it once, and a weight of 2 to one that counts double",
    "diverged": "training diverged at step {step}: E became {E:number}, and the largest derivative {derivative:number 3} (of {weight})[[. All steps up to there are kept in {file}]][[. All steps up to there are kept, in timeline {timeline:quoted}]][[. Each update overshot, so the next one had farther to go. Try a learning_rate below {rate:number}, say {tenth:number}, or an optimizer with clip_norm=1]]",
    "diverged.remedy": "Each update overshot, so the next one had farther to go. Try a learning_rate below {rate:number}, say {tenth:number}, or an optimizer with clip_norm=1",
    "training.types": "theta is {theta} and X {X}; make them equal",
    "training.columns": "X has {columns} columns, but the network has {inputs} inputs",
    "training.theta_shape": "theta has shape {shape}; this network has {weights} weights",
    "predict_proba": "predict_proba needs a model of classes, and this one predicts numbers; use predict",
    # what goes wrong: tables
    "column.text_learnt": "column {name:quoted} holds {dtype}, such as {entry}, but text such as {level:quoted} was learnt from; make them alike",
    "file.empty": "{called} is empty; give a table with a line of column names",
    "file.quote": '{called}, line {line}, has a quotation mark within a field, or one that is not closed; write it twice ("") and the field in quotes',
    "file.blank_line": "{called}, line {line}, is empty; take it out",
    "file.zero_bytes": "{called} holds zero bytes, so it is no UTF-8 text; name its encoding, such as --text-encoding utf-16le, or save it as UTF-8",
    "file.carriage_returns": "{called} ends its lines with carriage returns alone; save it with line feeds",
    "file.blank_before_quote": "{called} has a blank before the quotation mark of {entry:quoted}; take such blanks out",
    "file.twice": "{called} has two columns called {name:quoted}; give each its own name",
    "file.unreadable": "{called} cannot be read: {why}",
    "file.unknown_encoding": "text_encoding is {encoding:quoted}, which is unknown; give one such as cp1252 or utf-16",
    "file.no_utf8": "{called} is not UTF-8 text (line {line}); name its encoding, such as --text-encoding cp1252, or save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')",
    "file.broken_line": "{called}, line {line}, cannot be read ({why}); mend it",
    "file.fields": "{called}, line {line}, has {fields:count field}, but the header has {width}; mend it",
    "column.no_dates": "column {name:quoted} holds {dtype}, but dates are needed; mend it",
    "column.no_levels": "column {name:quoted} holds {dtype}, but text or numbers are needed; mend it",
    "column.no_numbers": "column {name:quoted} holds {dtype}, but numbers are needed; mend it",
    "column.no_truths": "column {name:quoted} holds {dtype}, but true or false is needed; mend it",
    "column.unusable": "column {name:quoted} holds {type}, which cannot be used; {remedy}, or leave the column out",
    "file.none": "{path} does not exist; give the path of a table",
    "file.folder": "{path} is a folder; give the path of a table",
    "file.suffix": "{path} ends in {suffix:quoted}; give a {known:list} file",
    "table.complex": "Complex data not supported: X must hold real numbers; pass X.real, or X.real and X.imag",
    "table.dimensions": "X has {ndim} dimensions: expected 2D array, got {ndim}D array instead. Reshape your data either using array.reshape(-1, 1) for one column or array.reshape(1, -1) for one row",
    "table.features": "X has {width} features, but {expected} are expected: {some}",
    "column.dimensions": "column {name:quoted} has {ndim} dimensions; give one field for each row{few}",
    "table.heights": "columns differ in their number of rows: {heights}; make them alike",
    "file.no_rows": "{called} has column names but no rows; give at least one",
    "file.unwritten": "{path} could not be written ({why}); nothing there has changed",
    "file.no_copy": "standard input could not be kept ({why}); set TMPDIR to a larger folder",
    "table.unreadable": "X is a {type}, whose columns cannot be read; give a pandas or polars frame",
    "column.unlearnable": "column {name:quoted} holds {what}, {dtype}; {remedy}, or leave it out ({name:quoted}: 'drop')",
    "file.no_kind": "{called} is no {kind} file that can be read: {why}",
    "metric.task": "metric is {name:quoted}, but {learnt} are learnt; give one of {known:list}",
    "metric.one_prediction": "metric is {name:quoted}, which compares one prediction with the truth, but the loss makes {predictions}; give metric=None, which watches the loss itself",
    "columns.no_hint": "columns[{name:quoted}] is {hint:quoted}; give a kind, or a mapping such as {'decimal': ','}",
    "columns.no_kind": "columns[{name:quoted}] is {kind:quoted}; it must be one of {known:list}",
    "columns.all_missing": "columns[{name:quoted}] is {kind:quoted}, but all its fields are missing; leave it out",
    "columns.no_names": "columns is {columns:quoted}; give a list of names, or a mapping of names to kinds",
    "table.no_rows": "the table has no rows to learn from; give at least one",
    "table.no_columns": "no column is left to learn from ({why}); name one that is to be used, such as columns={'name': 'number'}, or --number name",
    "column.not_there": "column {name:quoted} is missing, but was learnt from; add it to the table ({near})",
    "target.type": "target {name:quoted} holds {dtype}; it must be numbers or classes",
    "target.one_class": "target {name:quoted} has one class only, {entry:quoted}; give two or more",
    "target.too_large": "target {name:quoted} is too large to be scaled; divide it",
    "target.too_small": "target {name:quoted} is too small to tell apart from 0, such as {value:number 6}; multiply it",
    "keyword.by_name": "{method} takes its settings by name, such as hidden={value:quoted}; name each",
    "keyword.of_fit": "{method} takes no {keyword:quoted}; it is an argument of fit",
    "keyword.is_setting": "{method} takes no {keyword:quoted}; it is a setting: {estimator}({keyword}=...)",
    "keyword.unknown": "{method} takes no {keyword:quoted}; [[did you mean {near:or}?]][[known: {known:and}]]",
    "keyword.here": "{method} takes no {keyword:quoted}; here that is {ours}",
    "keyword.setting": "{method} takes no {keyword:quoted}; that is {ours:quoted}, a setting",
    "keyword.argument": "{method} takes no {keyword:quoted}; that is {ours:quoted}, an argument of fit",
    "column.two_readings": "column {column:quoted} is {entry:quoted}, which may be {meant}; say which, in Python by {option}={key:quoted}, or by columns={{column:quoted}: {{option:quoted}: {key:quoted}}}",
    "field.no_number": "{what} is {value:quoted} in row {row}, which is no number; write it as in 1234.5, leave it empty, say that it means a missing one (--missing {value:quoted}, in Python columns={name: {'missing': [{value:quoted}]}}), or take the column as a category",
    "field.no_date": "{what} is {value:quoted} in row {row}, which is no date; write it as in 2014-05-31, leave it empty, say that it means a missing one (--missing {value:quoted}, in Python columns={name: {'missing': [{value:quoted}]}}), or take the column as a category",
    "field.not_learnt_date": "{what} is {value:quoted} in row {row}, which is no date; write it as 2014-05-31",
    "field.not_with_mark": "{what} is {value:quoted} in row {row}, which is no number with the decimal mark {mark:quoted}; say another (--decimal), or mend it",
    "field.other_mark": "{what} is {value:quoted} in row {row}, but numbers are read with the decimal mark {mark:quoted} here; if this table is written with {other:quoted}, say so (--decimal {other}, in Python decimal={other:quoted})",
    "field.other_order": "{what} is {value:quoted} in row {row}, but dates are read in the order {order} here; if this table is written with {other}, say so (--date-order {other}, in Python date_order={other:quoted})",
    "field.other_unit": "{what} is {value:quoted} in row {row}, but numbers in {unit} were learnt from; write it so",
    "field.infinite": "{what} is {value} in row {row}; leave such rows out, or the field empty",
    "field.no_truth": "{what} is {value:quoted} in row {row}, which is neither true nor false; mend it",
    "field.unknown_class": "{what} is {value:quoted} in row {row}, a class that was not learnt; leave such rows out",
    "field.missing": "{what} is missing in row {row}; leave such rows out",
    "field.no_log": "{what} is {value:number 6} in row {row}; its log needs numbers above 0",
    "field.no_time_missing": "{what} is missing in row {row}; --time needs a date or a number in each row",
    "field.no_time": "{what} is {value:quoted} in row {row}, neither a date nor a number; --time needs one of them in each row",
    # what goes wrong: files, runs
    "path.no_name": "{path:quoted} is no name that a file can have ({why}); choose another",
    "path.is_folder": "{path} is a folder; name a file",
    "path.is_read": "{path} is what is read here; name another file to write",
    "path.no_folder": "{folder} is no folder; make it first, or name another file",
    "path.unwritable": "{path} cannot be written ({why}); name another file",
    "path.exists.function": "{path} exists; name another file, or replace it (force=True)",
    "path.exists.fit": "{path} exists; name another file (run=), delete this one, or set run=None: in cross-validation each fit would write it",
    "path.exists.command": "{path} exists; name another file, or replace it (--force)",
    "run.none": "{path} does not exist; give the path of a run file",
    "run.is_folder": "{path} is a folder; give the path of a run file",
    "run.unreadable": "{path} cannot be read (permission denied); give the path of a run file",
    "run.empty": "{path} is no run file of backlit: it is empty; give one that train wrote",
    "run.no_run": "{path} is no run file of backlit; give one that train wrote",
    "run.foreign": "{path} is a SQLite file, but no run file of backlit; give one that train wrote",
    "run.newer": "{path} has format {format}, and backlit {version} reads format {own}; upgrade backlit",
    "run.older": "{path} has format {format}, and backlit {version} reads format {own}; train again, or open it with the backlit that wrote it",
    "run.damaged": "{path} is damaged ({why}); `backlit verify` tells what can still be read of it",
    "run.busy": "{path} is busy: another process holds it; try again",
    "run.locked": "{path} is being written by another process; wait until it is done, or stop it. Reading is possible",
    "run.closed": "{path} cannot be opened ({why}); copy it to a folder that can be written to",
    "run.disk": "{path} could not be written or read ({why}); what was written before is there. Make room, then go on with `backlit resume`",
    "run.read_only": "{path} cannot be written: it is read-only; make a copy, or change its permissions",
    "run.removed": "{path} was removed while it was being written; all of it is now in {place}",
    "run.no_table": "{path} keeps no rows[[, and its table {source:quoted} is not beside it]]; give the table that it learnt from (table=, or --table)",
    "run.short_table": "{path} learnt from {rows:count} rows up to row {last:count}, but the table that is given has {height:count}; give the table as it was",
    "run.other_table": "the rows of {path} have changed: the table at hand is not the one it learnt from; give the table as it was (table=, or --table)",
    "run.engine": "{path} was recorded by the engine {engine:quoted}, and only that can make its steps again: {why}",
    "run.other_bits": "{path} cannot go on to the bit: {why}. Fork it from step {step} instead",
    "run.own_metric": "{path} watched a metric of its user's own, {metric:quoted}, which a file cannot hold; train again",
    "run.ended": "timeline {timeline:quoted} of {path} has come to its end, step {step:count} ({reason}); say how many steps it is to go on, or fork it",
    "run.dropped": "{path} has no timeline {timeline} any more; it was dropped",
    "run.recomputed": "the steps after {step} are recomputed, not recorded: {why}",
    "run.other_weights": "the steps up to {step} are recomputed, not recorded: they end with other weights than they did when they were recorded; snapshots are exact",
    "run.begins_again": "the schedule ended at step {step:count}; it begins again over the next {steps:count} steps",
    "timeline.rows": "{rows:count row}",
    "timeline.row": "row {rows:list}",
    "timeline.few_rows": "rows {rows:list}",
    "timeline.learns": "learns from {rows}",
    "timeline.other_inputs": "timeline {timeline:quoted} has a network of other inputs than the run; give one that takes the run's",
    "timeline.mid_epoch": "timeline {timeline:quoted} would begin in the middle of an epoch, {used:count row} into it; give a state with which an epoch begins",
    "timeline.other_rows": "timeline {timeline:quoted} has rows that are not the run's; take them from its data()",
    "timeline.first": "timeline {timeline:quoted} is the first, which the run opens with; delete the file instead",
    "timeline.kept": "timeline {timeline:quoted} is kept; release it first (keep with keep=False, or --release)",
    "timeline.forks": "timeline {timeline:quoted} has forks, {forks:list}; drop those first",
    "trace.row": "row is {row}; it must be a row of the table, from 0 to {last}",
    "trace.no_column": "the table has no column {name:quoted}; a trace needs the truth, so give a table that has it",
    "trace.no_truth": "row {row} has no {name}; a trace needs the truth, so take another row",
    "weights.several": "weights names {name:quoted}, which is {weights:count} weights; name single ones: {some:list}, ..., and change them one by one",
    # what goes wrong: explain, fitting, problem, incoming, estimators
    "chain.share": "{blame:percent} of all the pull",
    "chain.paths": "the paths of {weight} add up to {total:number 6}, but ∂E/∂{weight} is {gradient:number 6}: {answers} of {layer} contradicts its backward(); mend the layer",
    "chain.astray": "the wrong way's pull on {weight} is no derivative of E, so no chain comes to it; ask the trace that wrong_way() was called on",
    "chain.rows": "the rows' parts of {weight} add up to {total:number 6}, but ∂E/∂{weight} is {gradient:number 6}: {answers} of {layer} contradicts its backward(); mend the layer",
    "trace.no_settings": "the trace has no settings, so no update is known; give trace(..., settings=...)",
    "ledger.several": "the network has {outputs:count output}, so there is no one prediction to account for; ask for the account of E: account(of='E')",
    "maps.no_numbers": "no column holds numbers, so there is nothing to lay a map over; draw a chain instead: trace[name].chain()",
    "maps.several_weights": "weight is {name:quoted}, which is {weights:count weight}; a landscape is laid over single ones",
    "split.few_groups": "{rows:count row} in {groups:count group} leave none to learn from; take another seed of the split (--split-seed), or a column with more groups",
    "split.few_rows": "{rows:count row} leave none to learn from; give more rows or smaller shares",
    "weights.count": "weights has shape {shape}; give one weight for each of the {rows} rows",
    "weights.value": "the weight of row {row} is {value}; it must be a finite number, 0 or greater",
    "weights.all_zero": "all weights are zero, so no row counts; give some a weight above 0",
    "loss.cannot_learn": "loss is {loss:quoted}, which cannot learn the {what} of the target {target:quoted}; take {able}, or leave the loss out",
    "split.rows_with_target": "{called} has {rows:count row} with a {name:quoted}; give ten or more, so that some can test",
    "target.too_many_classes": "target {name:quoted} has {levels:count} different entries in {rows:count row}, such as {entry:quoted}: too many for classes; write numbers as in 450000, or name another target",
    "target.constant": "target {name:quoted} is {value:number 6} in every row; there is nothing to learn",
    "y.none": "This estimator requires y to be passed, but the target {called} is None",
    "y.one_number": "{called} is {value:quoted}; give one target for each row",
    "y.missing": "{called} is missing in row {row}; leave such rows out",
    "y.mixed": "{called} holds text, such as {text:quoted} in row {row}, and {number:quoted} in row {row_2}; make all labels text, as by str()",
    "weights.shape": "{called} has shape {shape}; give one weight for each of the {rows} rows",
    "y.times": "{called} holds dates or times ({dtype}); make all labels text, as by str()",
    "y.text": "target {target:quoted} holds text, such as {entry:quoted}; numbers are needed here: NetClassifier learns classes",
    "weights.no_numbers": "{called} holds what is no number ({why}); give one number for each row",
    "sample.one": "X has {samples} sample; a network needs two or more rows to learn from",
    "validation.no_rows": "X_val is None, but y_val or sample_weight_val is given; give X_val with them",
    "run.partial_fit": "run is {run:quoted}, but partial_fit, whose rows differ from call to call, is not recorded; use fit, or set run=None",
    "y.far": "y is about {middle:number 4}, but partial_fit keeps the scale of its first call, {centre:number 4} ± {scale:number 4}; convert y to that unit, or start again with rows that represent all",
    "validation.counts": "X{which} has {rows} rows and y{which} {targets}; give one target for each row",
    "weights.zero": "sample_weight{which} is zero in every row; give one a weight above 0",
    "y.columns": "{called} has {width:count column}, but the network learnt {learnt}; give as many, or start again: fit with warm_start=False",
    "table.no_features": "0 feature(s) (shape={shape}) while a minimum of 1 is required.",
    "table.no_samples": "0 sample(s) (shape={shape}) while a minimum of 1 is required.",
    "rows.unlike": "X has {rows} rows and y {targets}; give one target for each row",
    "y.several": "{called} has {columns} columns; a classifier learns one target",
    "y.no_class": "{called} is {value} in row {row}; classes are finite numbers or text",
    "y.unknown_class": "{called} holds the class {level:quoted}, which was not among those learnt, {known} (row {row}); {remedy}",
    "going_on.other": "{name} is {now:quoted}, but {how} continues a network that was made with {then:quoted}; set it back, or start again: fit with warm_start=False",
    "y.one_class": "{called} holds one class only, {level}{more}: a classifier needs two or more classes",
    "y.other_classes": "classes is {named}, but {known} were learnt; leave it out now",
    "groups.count": "groups has {entries} entries; give one for each of the {rows} rows",
    # what goes wrong: studio
    "studio.several_weights": "weight is {name:quoted}, which is {weights:count weight}; name one, such as {first}",
    "studio.busy": "{timeline} of {run} is being trained, and is at step {step:count}; stop it first",
    "studio.drawing_gone": "this drawing is not known any more; ask for the layout again",
    "studio.features_of_batch": "features are changed of one row only; look at a row instead of the step's batch",
    "entry.number": "{column} is {value:quoted}; it must be a finite number, or empty",
    "entry.boolean": "{column} is {value:quoted}; it must be true or false, or empty",
    "entry.date": "{column} is {value:quoted}; it must be a date, such as 2014-05-31, or empty",
    "entry.category": "{column} is {value:quoted}; it must be one of its levels, or empty",
    "studio.no_rows": "the run has no {which} rows; ask for those that it learns from, 'train'",
    "studio.too_large": "That is more than {megabytes:number} MB, the most that is taken.",
    "studio.every_address": "--host is {host:quoted}, which means every address of this machine; give the one that others will type into their browser, such as 192.168.1.20",
    "studio.too_many_weights": "hidden is {hidden}, which makes {weights:count weight}; take fewer units, so that there are at most {most:count}",
    "studio.no_column_left": "no column is left to learn {target} from; give a table with more columns",
    "studio.two_readings.decimal": "{column} is {entry:quoted}, which may be {meant}; choose the decimal mark above",
    "studio.no_number": "{what} is {value:quoted} in row {row}, which is no number; add it to the missing marks above, take the column as a category, or leave it out",
    "studio.no_date": "{what} is {value:quoted} in row {row}, which is no date; add it to the missing marks above, take the column as a category, or leave it out",
    "studio.two_readings.date_order": "{column} is {entry:quoted}, which may be {meant}; choose the order of dates above",
    "studio.no_json": "The question is not JSON: {why}.",
    "studio.no_question": "There is no question {name:quoted}.",
    "studio.broke_off": "The request broke off.",
    "studio.mistake": "The studio made a mistake. The terminal it runs in says more; the run file is not harmed.",
    "studio.mistake_in_training": "Training has ended, for the studio made a mistake. Its log says more.",
    "studio.other_host": "This server is not called that. Open the address that backlit studio printed.",
    "studio.no_origin": "The request does not say which page it comes from (Origin).",
    "studio.other_page": "The request comes from another page.",
    "studio.not_let_in": "This page has not been let in. Open the address that backlit studio printed.",
    "studio.old_address": "This address is out of date. Open the one that backlit studio printed last.",
    # the links of a chain
    "link.score": "how much E changes when the output changes",
    "link.slope": "the slope of {function} at z = {z:number 6}",
    "link.weight": "leads from unit {from} of layer {below} to [[the {goal}]][[unit {to}]]",
    "link.input": "the input that the weight multiplies",
    "link.mask": "kept by dropout, and scaled",
    "link.norm": "how the norm of the layer passes it on",
    # the same as sentences; .0 where the value is 0, .falls where it is below
    "read.score": "If the output rises a little, E rises {size:number 3} times as much.",
    "read.score.falls": "If the output rises a little, E falls {size:number 3} times as much.",
    "read.score.0": "If the output changes a little, E stays the same.",
    "read.slope": "The unit passes on {value:number 3} of each change: {meaning}.",
    "read.slope.0": "The unit passes on nothing: {meaning}.",
    "read.weight": "The weight {symbol} is {value:number 3}; it {meaning}.",
    "read.input": "The weight multiplies {symbol}, which is {value:number 3}.",
    "read.mask": "Dropout keeps the unit in this row, and makes it {value:number 3} times as large.",
    "read.mask.0": "Dropout silences the unit in this row, so nothing passes.",
    "read.norm": "The norm of the layer passes on {value:number 3} of each change.",
    "read.other": "{symbol} is {value:number 3} ({meaning}).",
    # the words that a newcomer asks about; row: what a row is called, such as "house"
    "word.error": "E says how wrong the network is, as one number that training makes small; for a price it is the square of how far the guess is off.",
    "word.derivative": "A partial derivative, ∂E/∂w: how fast E changes when this one weight rises a little and all others stay as they are.",
    "word.gradient": "The gradient: all partial derivatives together, one for each weight. It points to where E rises fastest.",
    "word.rate": "The learning rate, α: how far a step goes. In plain descent each weight moves by α times its ∂E/∂w.",
    "word.epoch": "One pass over all rows to learn from: each {row} has been used once.",
    "word.batch": "A batch: the {row}s that one step learns from. Each wishes its own change of a weight, and the mean of the wishes is the step.",
    "word.bias": "A bias is a weight without an input: it is added for each {row} alike, like a base price.",
    "word.activation": "The activation bends a unit's sum z into its output a. Without it, many layers could do no more than one.",
    "word.weight": "A weight says how much a number counts: 2 doubles it, 0 ignores it, −1 turns it round. Training changes the weights and nothing else.",
    "word.pull": "The pull is ∂E/∂w: which way, and how hard, the error pulls at a weight. Where it is positive, more of the weight raises the error.",
    "word.prediction": "The prediction: what the network says of this {row}, from its inputs and weights alone.",
    "word.truth": "The truth: what the table says of this {row}. The network learns from how far its prediction is from it.",
    "word.step": "A step changes all weights once, each a little against its pull.",
    "word.rmse": "RMSE: the root of the mean squared error. About so far a prediction is off, in the unit of what is predicted.",
    "word.train": "Train: the {row}s that the network learns from.",
    "word.validation": "Validation: {row}s kept aside. The network never learns from them, so their error tells how well it does on {row}s that it has not seen.",
    # the terms of an update
    "term.rate": "α",
    "term.gradient": "∂E/∂w",
    "term.averaged": "average",
    # why a weight goes where it goes
    "wish.still": "the rate is 0 by now, and the arrows are as long as at the last rate that was not",
    "wish.clipped": "the gradient was too long, and is shortened",
    "wish.averaged": "it goes by the average of this pull and earlier ones",
    "wish.scaling": "it is scaled by how large the pulls were",
    "wish.decay": "weight decay draws the weight towards 0",
    "update.along": "More of this weight {way} E, so the step {goes} it.",
    "update.against": "More of this weight {way} E. Still the step {goes} it: it depends on more than this ∂E/∂w.",
    "update.too_small": "More of this weight {way} E, but the step is too small to change it.",
    "update.still": "The rate is 0 at this step, so the weights do not move.",
    "update.flat": "A little more or less of this weight changes nothing: E does not pull at it.",
    "update.flat_moved": "The step still {goes} it: it depends on more than this ∂E/∂w.",
    "update.clipped": "The gradient was too long; it is shortened to {share:percent} of itself.",
    "update.averaged": "The average is of this ∂E/∂w and earlier ones.",
    "update.minus": "The slope points up the error and the step goes down: minus. (Texts that add the gradient have put the minus into it.)",
    # a step, for those who listen
    "aloud.step": "Step {step:count} of {steps:count}[[, {what}]]",
    "aloud.guess": "the guess for {house} {row:count} is {guess}[[, {gain}]]",
    "aloud.E.fell": "E of {whose} fell from {before:number} to {after:number}",
    "aloud.E.rose": "E of {whose} rose from {before:number} to {after:number}",
    "aloud.E.stays": "E of {whose} stays {after:number}",
    "aloud.E.is": "E of {whose} is {after:number}",
    # what came of a learning rate in a race
    "race.fell": "[[{timeline}: ]]E of {rows} fell by {share:percent 0}, from {before:number} to {after:number}",
    "race.crawled": "[[{timeline} ]]crawls: E of {rows} fell by only {share:percent 0}, from {before:number} to {after:number}",
    "race.rose": "[[{timeline} ]]overshoots: E of {rows} rose from {before:number} to {after:number}",
    "race.diverged": "[[{timeline} ]]went wrong at step {step:count}: [[E had risen from {before:number} to {risen:number 2}, and ]]the next step went beyond all numbers",
    # plus and minus
    "sign.up": "With a plus each weight goes as far the other way, up the slope: E rises from {here:number} to {plus:number}. With the minus it falls to {minus:number}.",
    "sign.both": "With a plus E rises from {here:number} to {plus:number}. With the minus it rises, too, to {minus:number}: the direction is right, and the step is too long.",
    "sign.flat": "With a plus E goes from {here:number} to {plus:number}; with the minus it stays at {minus:number}.",
    "sign.far": "With a plus E goes from {here:number} to {plus:number}, with the minus to {minus:number}. A slope tells of small steps, and this one is not small, or it depends on earlier slopes.",
    "sign.turned": "Some texts take the difference the other way round, truth − prediction: here {truth:number unit} − {prediction:number unit} = {turned:number unit}, and not {difference:number unit}. The minus is in it already, so they add, and come to the same weight.",
    # how a derivative is checked
    "check.agrees": "by finite differences {value:number 6}: agrees to {digits:count digit}",
    "check.kink": "finite differences meet a kink: {left:number 6} on its left, {right:number 6} on its right",
    "check.training": "The fast engine, in 32-bit arithmetic, agrees with this to {digits:count digit}.",
    "check.training_overflows": "The fast engine, in 32-bit arithmetic, comes to numbers here that are not finite.",
    "check.training_differs": "The fast engine, in 32-bit arithmetic, differs from this by {share:percent}.",
    # why a timeline has ended
    "ended.epochs": "all epochs done",
    "ended.max_steps": "all steps done",
    "ended.max_seconds": "out of time",
    "ended.patience": "no longer better",
    "ended.target_error": "good enough",
    "ended.diverged": "diverged",
    # what goes wrong: the command line
    "option.both": "--{one} and --{other} are both given; choose one[[ {of}]]",
    "option.log_or_classes": "--log takes the logarithm of numbers, and --classes takes the target as classes; choose one",
    "option.log": "--log takes the logarithm of numbers, and the target {target:quoted} holds classes",
    "option.weight": "--weight is {text:quoted}; give a name and a number, such as 'w2[3, 1]=0.2'",
    "option.drop": "--drop leaves out every column but the target {target:quoted}; keep one to learn from",
    "option.two_kinds": "--{one} and --{other} both name the column {column:quoted}; choose one",
    "option.parts_by_target": "--{option} is {target:quoted}, which is the target; what is to be predicted cannot part the rows, so name another column",
    "option.kind_of_target": "--{kind} names {target:quoted}, which is the target; {instead}",
    "option.folder": "--folder is {folder:quoted}, which is no folder; make it first, or name another",
    "option.port": "port {port} of {host} cannot be used ({why}); give another one, or leave --port out to take the next free one",
    "option.export": "say what to export: --safetensors FILE, --csv FILE, --without-rows FILE or --json",
    "option.step_through": "--step-through waits for keys, but this is not a terminal; leave it out",
    "option.run_or_demo": "give a run file, or --demo for the little network of `backlit demo`",
    "option.demo_figure": "--demo has no {kind} figure; give a run file, such as that of `backlit demo`",
    "predict.taken": "{source} has a column {column:quoted} already, where predictions would go; rename it",
    "predict.unseen": "entries that were not learnt from count as none of their column's levels: {levels}",
    "predict.passed_on": "columns that were not learnt from are passed on: {columns}",
    "output.unwritten": "standard output could not be written ({why})",
    "fork.at_the_end": "{timeline} begins at step {step:number}, where it ends ({reason}): nothing was trained; begin earlier (--step), or say how far to go on (--steps)",
    "resume.which": "no timeline of {run} was cut off; say which one is to go on (--timeline): {timelines}",
    "figure.no_state": "{run} does not hold the state behind the weights that predict; take --demo",
    "figure.classes": "{run} predicts classes of {target}; a predicted figure needs numbers",
    "figure.no_truth": "the table has no column {column:quoted}, the truth; name a table that has it with --table",
}
