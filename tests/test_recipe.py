"""Each setting stands once: what is made from it holds it, and a bound holds wherever the setting acts."""

import inspect
from dataclasses import dataclass, fields

import numpy as np
import pytest
from commands import backlit
from typer.main import get_command

import backlit as bl
from backlit.cli.main import app, take
from backlit.core.values import SHARE, Names, Numbers
from backlit.keywords import estimator
from backlit.recipe import SETTINGS, Choices, setting, settings_of
from backlit.runs.fork import CHANGES

ESTIMATORS = (bl.NetRegressor, bl.NetClassifier)
OWN = ("columns", "target")  # that the command line asks for in options of its own
NUMBERS = {name: one for name, one in SETTINGS.items() if isinstance(one.values, Numbers)}


def options(command):
    """The options of a command by their names in Python."""
    return {option.name: option for option in get_command(app).commands[command].params}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_told_in_a_sentence_and_its_default_is_good(name):
    one = SETTINGS[name]
    assert one.help.endswith(".")
    assert one.help[0].isupper()
    assert one.require(one.default) == one.default
    assert bool(one.none) or one.default is not None
    if isinstance(one.values, Names) and one.default is not None:
        assert one.default in list(one.values)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_estimators_have_it(cls):
    signature, made, doc = inspect.signature(cls).parameters, cls(), inspect.getdoc(cls)
    for name, one in settings_of(cls).items():
        assert signature[name].default is one.default
        assert getattr(made, name) is one.default
        assert f"{name} : {one.help}" in doc
        assert f"None: {one.none}." in doc or not one.none
    assert set(signature) == set(settings_of(cls)) == set(made.get_params())
    assert set(SETTINGS) < set(signature)
    assert doc.count("Parameters\n----------") == 1


def test_the_command_line_has_it():
    train, fork = options("train"), options("fork")
    for name, one in SETTINGS.items():
        if name not in OWN:
            default = ",".join(map(str, one.default)) if name == "hidden" else one.default
            assert train[name].default == default
            assert one.help in train[name].help
            assert one.none in train[name].help or one.default is not None
        assert (name in fork) == (one.part == "training")
        assert name not in fork or (fork[name].default is None and one.help in fork[name].help)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_bound_holds_wherever_the_setting_acts(name):
    """The last good numbers are taken, and those beyond refused: by the recipe, and by what it is made into."""
    values = NUMBERS[name].values
    step = 1 if values.whole else 1e-9
    bad = [np.nan, np.inf, "a lot"]
    bad += [values.least - step] if values.least is not None else []
    bad += [values.above] if values.above is not None else []
    bad += [values.below] if values.below is not None else []
    bad += [2.5] if values.whole else []
    good = [values.least if values.least is not None else (values.above or 0) + 1]
    acts = {
        "dropout": bl.Dropout,
        "weight_decay": lambda v: bl.SGD(weight_decay=v),
        "clip_norm": lambda v: bl.SGD(clip_norm=v),
        "bins": lambda v: bl.Table.fit(bl.datasets.load_houses()[:9], bl.Table.fit, bins=v),
        "threads": lambda v: bl.NetRegressor(threads=v, validation_fraction=0).fit([[1], [2]], [1, 2]),
    }
    act = acts.get(name, lambda v: bl.Settings(**{name: v}))
    for value in bad:
        for make in (lambda v: bl.Recipe(**{name: v}), act):
            with pytest.raises(bl.ArgumentError, match=name if name != "dropout" else "dropout"):
                make(value)
    for value in good:
        bl.Recipe(**{name: value})
        if name not in ("bins", "threads"):
            act(value)


def test_what_trains_knows_the_same_settings():
    ours = {name for name, one in SETTINGS.items() if one.part == "training"}
    assert ours == set(CHANGES)
    elsewhere = {"dropout", "weight_decay", "clip_norm", "engine"}
    assert ours - elsewhere == {one.name for one in fields(bl.Settings)} - {"greater_is_better"}


def test_a_setting_is_added_in_one_place():
    @dataclass(kw_only=True)
    class More(Choices):
        patter: float = setting(0.25, "training", SHARE, "Share of the drops that are heard.")

    @estimator
    @dataclass(kw_only=True)
    class Net(More):
        """A net."""

        def fit(self, X):
            """Nothing."""

        @classmethod
        def _get_param_names(cls):
            return sorted(settings_of(cls))

    assert Net(patter=0.5).patter == 0.5
    assert "patter : Share of the drops that are heard." in Net.__doc__
    with pytest.raises(bl.KeywordError, match="takes no 'patters'; did you mean 'patter'"):
        Net(patters=1)

    @take(settings_of(More).values())
    def command(**settings):
        return settings

    option = inspect.signature(command).parameters["patter"]
    assert (option.default, option.annotation.__metadata__[0].help) == (0.25, "Share of the drops that are heard.")


def test_a_value_is_read_in_its_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = backlit("train", "t.csv", "--target", "y", "--hidden", "3,wide")
    assert (done.code, done.out) == (2, "")
    assert "hidden is '3,wide'; it must be numbers of units, such as (128, 128)" in " ".join(done.err.split())
