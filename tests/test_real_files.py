"""Five files as offices, spreadsheets, pandas and archives export them: train, predict and show, from end to end."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from commands import about, backlit

N, NEW = 600, 40
HOW = ("--epochs", "120", "--hidden", "24", "--learning-rate", "0.01", "--dropout", "0", "--seed", "3", "--json")


@dataclass
class Export:
    """One kind of file.

    write : rows (a mapping of columns) as the file's text
    notices : words that must stand together in one notice
    left_out : columns that are not learnt from
    least : of R² or accuracy, which the construction makes easy
    options : of `train` and `predict`
    """

    target: str
    columns: dict
    write: object
    notices: tuple
    left_out: tuple = ()
    least: float = 0.9
    options: tuple = ()
    encoding: str = "utf-8"
    new: object = None
    missing: int = 0


def lines(columns, separator, pad="", end="\n"):
    def field(text):
        return f'"{text}"' if separator in text else text

    rows = [columns, *zip(*columns.values())]
    return "".join((separator + pad).join(map(field, row)) + end for row in rows)


def german():
    draw = np.random.default_rng(1)
    area = draw.uniform(35, 240, N + NEW).round(2)
    built = [datetime.date(1960, 1, 1) + datetime.timedelta(int(d)) for d in draw.integers(0, 22_000, N + NEW)]
    town = draw.choice(["Köln", "Nürnberg", "Görlitz"], N + NEW)
    age = np.array([2026 - day.year for day in built])
    price = 3000 * area - 900 * age + 60_000 * (town == "Köln") + draw.normal(0, 4000, N + NEW)

    def number(value, places=2):
        return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))

    columns = {
        "Objekt-Nr.": [str(10_000 + i) for i in range(N + NEW)],
        "Wohnfläche": [number(value) for value in area.tolist()],
        "Baudatum": [f"{day:%d.%m.%Y}" for day in built],
        "Ort": town.tolist(),
        "Bemerkung": [""] * (N + NEW),
        "Kaufpreis": [f"{number(value)} €" for value in price.tolist()],
    }
    return Export(
        "Kaufpreis",
        columns,
        lambda rows: lines(rows, ";", end="\r\n"),
        notices=(
            ("Kaufpreis", "€", "read as"),
            ("Wohnfläche", ",", "read as"),
            ("Bemerkung", "left out"),
            ("Objekt-Nr.", "left out"),
        ),
        left_out=("Objekt-Nr.", "Bemerkung"),
        encoding="utf-8-sig",
    )


def american():
    draw = np.random.default_rng(2)
    total = N + NEW
    sold = [
        datetime.datetime(1996, 1, 1) + datetime.timedelta(days=int(d), minutes=int(m))
        for d, m in zip(draw.integers(0, 9_000, total), draw.integers(0, 1440, total))
    ]
    miles = draw.integers(0, 180_000, total)
    miles_known = draw.random(total) > 0.05
    owner = draw.choice(["dealer", "private"], total)
    years = np.array([(moment - datetime.datetime(1996, 1, 1)).days / 365.25 for moment in sold])
    price = 12_000 + 900 * years - 0.04 * np.where(miles_known, miles, 90_000) + 1500 * (owner == "dealer")
    price += draw.normal(0, 300, total)
    columns = {
        "Sold": [f"{s.month}/{s.day}/{s:%y} {(s.hour - 1) % 12 + 1}:{s:%M %p}" for s in sold],
        "Mileage": [f"{mile:,}" if known else "N/A" for mile, known in zip(miles.tolist(), miles_known)],
        "Seller": owner.tolist(),
        "Fee": [f"({-value:,.2f})" if value < 0 else f"{value:,.2f}" for value in draw.normal(0, 2000, total).tolist()],
        "Price": [f"${value:,.2f}" for value in price.tolist()],
    }
    columns["Price"][5] = columns["Price"][77] = "N/A"
    columns["Mileage"][3] = "1,000,123"  # which says what the commas are

    return Export(
        "Price",
        columns,
        lambda rows: lines(rows, ",", end="\r\n"),
        notices=(
            ("Price", "$", "read as"),
            ("Mileage", ",", "read as"),
            ("Fee", ",", "read as"),
            ("Sold", "/"),
            ("2 rows without Price",),
        ),
        missing=2,
    )


def pandas_export():
    draw = np.random.default_rng(3)
    total = N + NEW
    rooms, area, garden = draw.integers(1, 7, total), draw.gamma(6, 15, total).round(2), draw.random(total) < 0.4
    rent = (250 + 9 * area + 40 * rooms + 120 * garden + draw.normal(0, 15, total)).round(2)
    gaps = draw.random(total) < 0.04
    columns = {
        "": [str(i) for i in range(total)],
        "rooms": ["" if gap else f"{value:.1f}" for value, gap in zip(rooms, gaps)],
        "area": [f"{value}" for value in area],
        "garden": [str(bool(value)) for value in garden],
        "rent": [f"{value}" for value in rent],
    }
    return Export("rent", columns, lambda rows: lines(rows, ","), notices=(("nameless column 1", "left out"),))


def archive():
    draw = np.random.default_rng(4)
    total = N + NEW
    age, hours = draw.integers(17, 80, total), draw.integers(5, 80, total)
    work = draw.choice(["Private", "State-gov", "Self-emp", "?"], total)
    rich = 0.5 * age + hours + 10 * (work == "Self-emp") > 65
    columns = {
        "age": [str(value) for value in age],
        "workclass": work.tolist(),
        "hours-per-week": [str(value) for value in hours],
        "income": np.where(rich, ">50K", "<=50K").tolist(),
    }

    def dotted(rows):
        return lines(rows | {"income": [f"{label}." for label in rows["income"]]}, ",", pad=" ")

    return Export(
        "income", columns, lambda rows: lines(rows, ",", pad=" "), notices=(("blank",),), least=0.85, new=dotted
    )


def swiss():
    draw = np.random.default_rng(5)
    total = N + NEW
    revenue = draw.gamma(3, 400_000, total).round(0)
    share = draw.uniform(1, 60, total).round(1)
    canton = draw.choice(["Zürich", "Genève", "Neuchâtel", "Graubünden"], total)
    profit = revenue * share / 100 + 50_000 * (canton == "Genève") + draw.normal(0, 5_000, total) - 40_000
    columns = {
        "Société": [f"No {1000 + i}" for i in range(total)],
        "Chiffre d'affaires": [f"{value:,.0f}".replace(",", "'") for value in revenue],
        "Marge": [f"{value:.1f} %".replace(".", ",") for value in share],
        "Canton": canton.tolist(),
        "Clôture": [f"{1 + i % 28:02}/{1 + i % 12:02}/{2000 + i % 24}" for i in range(total)],
        "Bénéfice": [f"CHF {value:,.2f}".replace(",", "'").replace("CHF -", "-CHF ") for value in profit],
    }
    return Export(
        "Bénéfice",
        columns,
        lambda rows: lines(rows, ";", end="\r\n"),
        notices=(
            ("Chiffre d'affaires", "read as"),
            ("Marge", "%", "read as"),
            ("Bénéfice", "CHF"),
            ("Société", "left out"),
        ),
        left_out=("Société",),
        options=("--text-encoding", "cp1252"),
        encoding="cp1252",
    )


def french():
    """The same business with thin spaces and decimal commas."""
    export = swiss()
    columns = dict(export.columns)
    columns["Chiffre d'affaires"] = [text.replace("'", "\u2009") for text in columns["Chiffre d'affaires"]]
    columns["Bénéfice"] = [
        text.replace("'", "\u2009").replace(".", ",").replace("CHF ", "") + " €" for text in columns["Bénéfice"]
    ]
    notices = (*export.notices[:2], ("Bénéfice", "€"))
    return Export("Bénéfice", columns, export.write, notices=notices, left_out=("Société",))


EXPORTS = {
    "German export": german, "US spreadsheet": american, "pandas": pandas_export, "archive": archive,
    "Swiss, cp1252": swiss, "French, thin spaces": french,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Each export's folder with its run, and the answer of `train`."""
    done = {}

    def train(name):
        if name not in done:
            export, folder = EXPORTS[name](), tmp_path_factory.mktemp("export")
            old = {column: values[:N] for column, values in export.columns.items()}
            new = {column: values[N:] for column, values in export.columns.items()}
            (folder / "old.csv").write_bytes(export.write(old).encode(export.encoding))
            (folder / "new.csv").write_bytes((export.new or export.write)(new).encode(export.encoding))
            run = folder / "old.backlit"
            answer = backlit(
                "train", folder / "old.csv", "--target", export.target, "--run", run, *export.options, *HOW
            )
            done[name] = export, folder, answer.json
        return done[name]

    return train


@pytest.mark.parametrize("name", EXPORTS)
def test_train(trained, name):
    export, _, answer = trained(name)
    assert sum(answer["rows"].values()) == N - export.missing
    classes = name == "archive"
    assert answer["task"] == ("classification" if classes else "regression")
    assert answer["scores"]["backlit"]["accuracy" if classes else "r2"] > export.least
    for words in export.notices:
        assert about(answer["notices"], *words), (words, answer["notices"])


@pytest.mark.parametrize("name", EXPORTS)
def test_predict_a_new_file_in_the_same_dialect(trained, name):
    export, folder, _ = trained(name)
    done = backlit(
        "predict", folder / "old.backlit", folder / "new.csv", "--out", folder / "out.csv", "--force", *export.options,
        "--json",
    )  # fmt: skip
    assert done.json["rows"] == NEW
    written = next(iter((folder / "out.csv").read_text(encoding="utf-8-sig").splitlines()))
    column = f"predicted {export.target}"
    assert column in written.split(written[written.index(column) - 1])
    frame = pl.read_csv(folder / "out.csv", separator=";" if ";" in written else ",", infer_schema=False)
    assert frame.height == NEW
    predicted, truth = frame[column].to_list(), export.columns[export.target][N:]
    if name == "archive":
        assert np.mean([one == other for one, other in zip(predicted, truth)]) > export.least
        return
    values, known = np.array(predicted, dtype=float), [text != "N/A" for text in truth]
    numbers = np.array([plain(text) for text in truth if text != "N/A"])
    residual = values[known] - numbers
    assert 1 - (residual**2).mean() / numbers.var() > export.least


def plain(text):
    """The test's own reading of a price: its last mark before one or two digits is decimal, all else is grouping."""
    sign = -1 if "-" in text else 1
    digits = "".join(c for c in text if c.isdigit() or c in ".,")
    whole, places = (digits[:-3], digits[-2:]) if digits[-3:-2] in (".", ",") else (digits, "0")
    if "." in whole and len(digits) - digits.rindex(".") == 2:
        whole, places = digits[:-2], digits[-1:]
    return sign * float("".join(c for c in whole if c.isdigit()) + "." + places)


@pytest.mark.parametrize("name", EXPORTS)
def test_show(trained, name):
    export, folder, answer = trained(name)
    shown = backlit("show", folder / "old.backlit", "--json").json
    assert shown["table"]["target"]["names"] == [export.target]
    known = [column["name"] for column in shown["table"]["columns"]]
    expected = [column for column in export.columns if column not in (export.target, "", *export.left_out)]
    assert known == expected
    assert set(shown["table"]["notices"]) <= set(answer["notices"])
    assert json.dumps(shown)
    done = backlit("show", folder / "old.backlit")
    assert done.code == 0
    assert export.target in done.out


@pytest.mark.parametrize("name", ["Swiss, cp1252"])
def test_without_its_encoding_a_file_is_refused_with_the_remedy(trained, name):
    _, folder, _ = trained(name)
    done = backlit("train", folder / "old.csv", "--target", "Canton", "--run", folder / "no.backlit", *HOW)
    assert done.code == 2
    assert "--text-encoding" in done.err
    assert not Path(folder, "no.backlit").exists()
