"""How hard E pulls at each weight, along which ways it comes there, and what each row wants of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backlit.errors import require
from backlit.explain import chain
from backlit.studio import messages
from backlit.studio.chains import one_weight
from backlit.studio.desk import Desk
from backlit.studio.messages import MomentQuery, Pull, PullsQuery, WeightQuery, WrongPull
from backlit.studio.moments import batch, outcome, traced

MOST_WISHES = 256  #: rows whose wishes are drawn
MOST_WRONG = 4  #: pulls that are listed beside what they should be


def pulls(desk: Desk, query: PullsQuery) -> messages.Pulls:
    """The weights by their pull."""
    require("most", query.most, lambda v: v >= 0, "0 or greater")
    t = traced(desk, query)
    listed, others = np.split(t.ranking, [query.most])
    weights = (Pull(t.net.weight_name(i), float(t.gradient[i]), float(t.shares[i])) for i in listed.tolist())
    return messages.Pulls(tuple(weights), float(t.shares[others].sum()), len(others))


def paths(desk: Desk, query: WeightQuery) -> messages.Paths:
    """The ways from E back to a weight."""
    w = one_weight(traced(desk, query), query.weight)
    stage, position = w.effects.stage, int(w.positions[0])
    slot = stage.slot_at(position)
    source, unit = (int(ends[slot.index(position)]) for ends in stage.ends[slot.weight])
    return messages.Paths(w.name, stage.number, unit + 1, stage.origin(source), chain.paths(w)[0])


def wishes(desk: Desk, query: WeightQuery) -> messages.Wishes:
    """What each row of the step wants of a weight, and the row that is looked at."""
    t = traced(desk, batch(query))
    own = one_weight(t, query.weight).wishes
    order = np.argsort(own.wishes, kind="stable")
    n = len(order)
    if n > MOST_WISHES:
        order = order[np.linspace(0, n - 1, MOST_WISHES).round().astype(int)]
    among = own.rows == query.row
    if among.any():
        alone = own.wishes[among][0]
    else:
        alone = one_weight(traced(desk, replace(query, of="row")), query.weight).wishes.wish
    return messages.Wishes(
        **vars(replace(own, rows=own.rows[order], wishes=own.wishes[order])),
        n=n,
        own=float(alone),
        among=bool(among.any()),
        happened=not query.weights,
    )


def wrong_way(desk: Desk, query: MomentQuery) -> messages.WrongWay:
    """What comes of updating each layer before the pull goes back through it."""
    t = traced(desk, query)
    astray = t.wrong_way()
    greatest = np.argsort(-np.abs(astray.gradient - t.gradient), kind="stable")[:MOST_WRONG].tolist()
    after = [outcome(t, t.prediction, one.after.prediction, t.truth).prediction_after for one in (t, astray)]
    pulls = (WrongPull(t.net.weight_name(i), float(t.gradient[i]), float(astray.gradient[i])) for i in greatest)
    return messages.WrongWay(tuple(pulls), t.E, t.after.E, astray.after.E, *after)
