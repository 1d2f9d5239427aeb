"""The famous wrong way: to update each layer before the error passes back through it.

What comes out for the layers below is no derivative of E any more: that takes all weights as they were in the feed
forward.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

import numpy as np

from backlit.core.backprop import Backward, backward
from backlit.errors import ArgumentError
from backlit.explain.trace import Trace
from backlit.explain.update import update_of


@dataclass(frozen=True, eq=False)
class WrongWay(Trace):
    """A trace whose pull goes back through weights that are updated already: gradient and update are wrong with it.

    It has no chains, for they would not add up to its gradient; a right trace has them.
    """

    astray: ClassVar[bool] = True

    @cached_property
    def back(self) -> Backward:
        """Layer by layer from the last: its gradient, its update, and through the updated weights to the layer below.

        Where the gradient is shortened, or the optimizer mixes layers in another way, the layers that are not reached
        yet count with their true gradient.
        """
        if self.optimizer is None:
            raise ArgumentError("trace.no_settings")
        net, p, caches = self.net, self.p, self.caches
        gradient = np.array(backward(net, p, caches, self.dS).gradient)
        dA, dY = self.dS, []
        for i in range(len(net.layers) - 1, -1, -1):
            dY.append(dA)
            _, dp = net.layers[i].backward(p[i], caches[i], dA, False)
            for slot, values in zip(net.stages[i].slots, dp):
                gradient[slot.start : slot.stop] = np.ravel(values)
            after = update_of(self.optimizer, net, self.theta, gradient, self.memory, self.rate).after
            dA, _ = net.layers[i].backward(net.split(after)[i], caches[i], dA, True)
        return Backward(gradient, dY[::-1], dA)


def wrong_way(t: Trace) -> WrongWay:
    """The same rows and weights, and what would be taken for the gradient if later layers were updated first."""
    return WrongWay(**{field.name: getattr(t, field.name) for field in fields(Trace)})
