"""Names to records and back."""

import pytest

import backlit as bl
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import from_dict, name_of, resolve, to_dict
from backlit.core.schedules import SCHEDULES


@pytest.mark.parametrize("registry", [OPTIMIZERS, SCHEDULES])
def test_a_record_has_the_name_that_it_was_made_from(registry):
    for name in registry:
        record = resolve("record", registry, name)
        assert name_of(registry, record) == name
        assert from_dict("record", registry, to_dict(record)) == record


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (bl.Adam(beta1=0.8), "adam"),
        (bl.Adam(weight_decay=0.01), "adam"),
        (bl.Adam(beta2=0.95, weight_decay=0.01), "adamw"),
        (bl.Momentum(momentum=0.5), "momentum"),
    ],
)
def test_a_record_that_is_like_an_entry_has_its_name(record, name):
    assert name_of(OPTIMIZERS, record) == name


def test_a_record_of_no_entry_has_its_own_name():
    assert name_of({"sgd": bl.SGD}, bl.Momentum()) == "momentum"
