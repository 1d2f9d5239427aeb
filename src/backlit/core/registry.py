"""Names to records, and records to JSON and back: the same for losses, layers, schedules and optimizers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from backlit.errors import ArgumentError, UnknownNameError, as_python

T = TypeVar("T")


def lookup(kind: str, registry: Mapping[str, T], name: str) -> T:
    """The entry called `name`, or an error that suggests the nearest names."""
    if name not in registry:
        raise UnknownNameError(kind, name, registry)
    return registry[name]


def resolve(kind: str, registry: Mapping[str, Any], spec: Any) -> Any:
    """A record from its name, or the record itself.

    Entries of `registry` are record classes (made with their defaults) or finished records.
    """
    if isinstance(spec, str):
        entry = lookup(kind, registry, spec)
        return entry() if isinstance(entry, type) else entry
    classes = tuple({entry if isinstance(entry, type) else type(entry) for entry in registry.values()})
    if isinstance(spec, classes):
        return spec
    raise ArgumentError("registry.no_record", what=kind, spec=spec, names=list(registry))


def name_of(registry: Mapping[str, Any], record: Any) -> str:
    """The name by which a record is chosen: that of its class's entry which has the most fields like it."""

    def shared(name: str) -> int:
        entry = registry[name]() if isinstance(registry[name], type) else registry[name]
        return sum(getattr(entry, f.name) == getattr(record, f.name) for f in dataclasses.fields(record))

    alike = [name for name, entry in registry.items() if type(record) in (entry, type(entry))]
    return max(alike, key=shared, default=record.name)


def make_plain(record: Any) -> None:
    """Turn the fields of a frozen record into plain Python as it is made, for whoever stores or compares it."""
    for field in dataclasses.fields(record):
        object.__setattr__(record, field.name, as_python(getattr(record, field.name)))


def to_dict(record: Any) -> dict[str, Any]:
    """A record as JSON: its name and its fields."""
    return {"name": record.name} | {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def from_dict(kind: str, registry: Mapping[str, Any], saved: Mapping[str, Any]) -> Any:
    """The record that `to_dict` wrote."""
    fields = dict(saved)
    entry = lookup(kind, registry, fields.pop("name", None))
    cls = entry if isinstance(entry, type) else type(entry)
    known = {f.name for f in dataclasses.fields(cls)}
    for name in fields:
        if name not in known:
            raise UnknownNameError("setting", name, known, of=cls.name)
    return cls(**{name: as_python(value) for name, value in fields.items()})
