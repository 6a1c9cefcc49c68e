# SPDX-License-Identifier: Apache-2.0
"""Record of what happens to the elements of a fixture while a robot works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.closed_loop.dynamics import TIMESTEP
from afformer_sim.closed_loop.mechanism import DONE
from afformer_sim.closed_loop.operated_fixture import OperatedFixture


@dataclass
class Watch:
    """Record of N elements while a robot works; each array is float64 [N].

    Attributes:
        contact: seconds in contact with the tip; for fixed elements, of the operated part.
        pressed: seconds beyond half of the way to the goal.
        farthest: largest share of the way to the goal so far, negative for the other direction.
        last: current share of the way to the goal.
    """

    contact: np.ndarray
    pressed: np.ndarray
    farthest: np.ndarray
    last: np.ndarray

    @classmethod
    def over(cls, count: int) -> Watch:
        """Return the record of `count` elements to which nothing has happened."""
        return cls(*np.zeros((4, count)))

    def finish(self, physics: OperatedFixture) -> None:
        """Add the result of one simulation step."""
        for i in physics.in_contact():
            if i >= 0 and (physics.mechanisms[i].joint is not None or physics.on_hull(i)):
                self.contact[i] += TIMESTEP
        self.last = physics.progress()
        self.farthest = np.where(
            np.abs(self.last) > np.abs(self.farthest), self.last, self.farthest
        )
        self.pressed += TIMESTEP * (self.last >= DONE)
