# SPDX-License-Identifier: Apache-2.0
"""State of a fixture in a MuJoCo simulation: progress of its elements, contacts, and a record."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose
from afformer_sim.closed_loop.dynamics import TIMESTEP
from afformer_sim.closed_loop.mechanism import DONE, Mechanism

# Largest distance of a contact from the hull of the operated part, metres.
_HULL_REACH = 0.002


class OperatedFixture:
    """Fixture in a simulation, with its operator.

    Args:
        fixture: fixture that is operated.
        mechanisms: mechanism of each element.
        model: model compiled from `dynamics.fixture_xml` and a description of the operator.
        tip: name of the geom that touches elements.
    """

    def __init__(
        self,
        fixture: Fixture,
        mechanisms: tuple[Mechanism, ...],
        model: mujoco.MjModel,
        tip: str,
    ) -> None:
        self.mechanisms = mechanisms
        self._model = model
        self._data = mujoco.MjData(model)
        for i, element in enumerate(fixture.elements):
            self._set_pose(f'element_{i}', element.pose)
        bodies = {model.body(f'element_{i}').id: i for i in range(len(mechanisms))}
        self._element_of = [bodies.get(int(body), -1) for body in model.geom_bodyid]
        self._tip = int(model.geom(tip).id)
        moving = [i for i, mechanism in enumerate(mechanisms) if mechanism.joint is not None]
        self._moving = np.array(moving, int)
        self._values = np.array([model.joint(f'joint_{i}').qposadr[0] for i in moving], int)
        self._starts = np.array([mechanisms[i].start for i in moving])
        self._ways = np.array([mechanisms[i].goal for i in moving]) - self._starts
        self._either = np.array([mechanisms[i].either_sense for i in moving], bool)
        mujoco.mj_setConst(model, self._data)

    def in_contact(self) -> list[int]:
        """Return the elements in contact with the tip, deepest first; -1 for a fixed part."""
        contacts = self._data.contact
        if not len(contacts.dist):
            return []
        order = np.argsort(contacts.dist)
        pairs = [set(map(int, contacts.geom[k])) for k in order]
        others = [(pair - {self._tip}).pop() for pair in pairs if self._tip in pair]
        return list(dict.fromkeys(self._element_of[geom] for geom in others))

    def on_hull(self, element: int) -> bool:
        """Check whether the tip is on the operated part of an element that cannot move."""
        hull = self._model.geom(f'hull_{element}').id
        reach = mujoco.mj_geomDistance(
            self._model, self._data, self._tip, hull, 2 * _HULL_REACH, None
        )
        return float(reach) <= _HULL_REACH

    def progress(self) -> np.ndarray:
        """Return the share of its way to the goal that each element has gone, [N]; 0 if fixed."""
        shares = (self._data.qpos[self._values] - self._starts) / self._ways
        progress = np.zeros(len(self.mechanisms))
        progress[self._moving] = np.where(self._either, np.abs(shares), shares)
        return progress

    def release(self) -> None:
        """Detach the tip from all elements."""
        self._data.eq_active[:] = 0

    def _restore(self) -> None:
        """Move all elements to their start."""
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[self._values] = self._starts

    def _weld(
        self, equality: str, tip: str, element: int, at: np.ndarray, on_tip: np.ndarray
    ) -> None:
        """Attach an element rigidly to the body of a tip, as they are.

        Args:
            equality: name of the weld.
            tip: name of the body.
            element: index of the element.
            at: [3] metres, where it is attached.
            on_tip: the same in the frame of the tip.
        """
        row = self._model.equality(equality).id
        held, body = self._data.body(tip), self._data.body(f'element_{element}')
        backward = np.empty(4)
        mujoco.mju_negQuat(backward, held.xquat)
        data = self._model.eq_data[row]
        data[0:3] = body.xmat.reshape(3, 3).T @ (at - body.xpos)
        data[3:6] = on_tip
        mujoco.mju_mulQuat(data[6:10], backward, body.xquat)
        self._data.eq_active[row] = 1

    def _set_pose(self, body: str, pose: Pose) -> None:
        row = self._model.body(body).id
        self._model.body_pos[row] = pose.position
        self._model.body_quat[row] = pose.quaternion


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
