# SPDX-License-Identifier: Apache-2.0
"""Tasks of a robot, and the MuJoCo description of a fixture with elements that move meanwhile.

A button has a spring, a drawer friction, a mug weight; every touched element moves, whether it is
the right one or not. Solids of the fixture collide with its operator, not with each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import CARRIED, MOMENTARY, Element, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, Solid
from afformer_sim.scene.world import solid_xml

# Seconds for which a touched or held element must be pressed, or be in contact if it cannot move.
LEAST_SECONDS = {'touch': 0.04, 'hold': 0.5}
# Limits, as shares of the way from the start to the goal.
DONE = 0.5
_RETURNED = 0.25
_DISTURBED = 0.25
# At rest, at least this share of a demonstration's change must remain.
_LEAST_CHANGE = 0.4


@dataclass(frozen=True)
class Task:
    """Action for a robot to carry out on an element, given by its index."""

    element: int
    action: str


@dataclass(frozen=True)
class Mechanism:
    """Motion of one element while a robot works, and its limits of success.

    Attributes:
        use: use with the joint of the motion.
        start: initial value of the joint.
    """

    use: Use
    start: float

    @property
    def joint(self) -> Joint | None:
        """Joint of the element; None if it is fixed."""
        return self.use.joint

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value of the joint."""
        values = (*self.use.before, *self.use.after, self.start)
        return min(values), max(values)

    @property
    def goal(self) -> float:
        """Joint value nearest to the start that a demonstration of the use would reach."""
        use = self.use
        return min(
            use.before if use.action == 'put down' else use.after,
            key=lambda value: abs(value - self.start),
        )

    def operated(self, last: float, farthest: float, seconds: float) -> bool:
        """Check whether the use has been carried out.

        Args:
            last: share of the way to the goal in the end.
            farthest: largest share of it.
            seconds: time that it was pressed, or in contact if it cannot move.
        """
        action = self.use.action
        if action in MOMENTARY:
            return seconds >= LEAST_SECONDS[action] and last < DONE
        if action == 'put down':
            return farthest >= DONE and last < _RETURNED
        return last >= DONE

    def disturbed(self, farthest: float, seconds: float) -> bool:
        """Check whether an element other than the right one has been operated.

        Args:
            farthest: largest share of the way to the goal, negative for the other direction.
            seconds: time of contact.
        """
        if self.joint is None:
            return seconds >= LEAST_SECONDS['touch']
        return abs(farthest) >= _DISTURBED


def mechanisms(fixture: Fixture, task: Task) -> tuple[Mechanism, ...]:
    """Return the mechanism of each element of a fixture during a task.

    Elements that afford the task's action move accordingly; the others by their first use.

    Raises:
        ValueError: the task's element does not afford its action.
    """
    fixture.elements[task.element].use(task.action)
    uses = (
        element.use(task.action) if task.action in element.actions else element.uses[0]
        for element in fixture.elements
    )
    return tuple(Mechanism(use, _start(use) if use.action == task.action else 0.0) for use in uses)


def initial_states(fixture: Fixture, task: Task) -> dict[int, Pose]:
    """Return the displacements of the elements that are initially not at rest.

    A drawer must be open before it can be pushed. All elements that can be pushed are then
    displaced, so that the state does not reveal the right one.
    """
    return {
        i: mechanism.joint.displacement(mechanism.start)
        for i, mechanism in enumerate(mechanisms(fixture, task))
        if mechanism.joint is not None and mechanism.start != 0
    }


def _start(use: Use) -> float:
    """Return 0 (rest) if the action changes it enough, else halfway between after and before."""
    before, after = float(np.mean(use.before)), float(np.mean(use.after))
    if use.joint is None or use.action in CARRIED:
        return 0.0
    if abs(after) >= _LEAST_CHANGE * abs(after - before):
        return 0.0
    return (before + after) / 2


TIMESTEP = 0.002

_MASS = 0.2
_SPRING_FORCE = 3.0
# Newtons at the farthest point of a sliding or turning part.
PART_FRICTION = 0.8
_LEAST_ARM = 0.01
# With MuJoCo's default impedance, a part creeps under forces below its friction.
_DRY = '0.9999 0.9999 0.001'


def fixture_xml(
    fixture: Fixture, mechanisms: tuple[Mechanism, ...], friction: float = PART_FRICTION
) -> str:
    """Write the description, with all frames of elements still at the origin.

    Element i is the body `element_i` on the joint `joint_i`, or with the geom `hull_i` if it is
    fixed. An operator is attached later; its geoms have contype 2 and conaffinity 1.

    Args:
        fixture: fixture that is operated.
        mechanisms: mechanism of each element.
        friction: friction of sliding and turning parts, newtons at their farthest point; buttons
            with a spring and carried parts have none.
    """
    numbered = list(enumerate(zip(fixture.elements, mechanisms, strict=True)))
    still = [(i, element) for i, (element, mechanism) in numbered if mechanism.joint is None]
    panel = ''
    if fixture.panel is not None:
        half = f'{fixture.panel.width / 2} {fixture.panel.height / 2} 0.005'
        panel = f'<geom type="box" size="{half}" pos="0 0 -0.005"/>'
    return f"""<mujoco>
<compiler angle="radian" balanceinertia="true"/>
<option timestep="{TIMESTEP}" integrator="implicitfast" gravity="0 -9.81 0"/>
<default>
  <default class="still"><geom contype="1" conaffinity="2"/></default>
  <default class="hull"><geom contype="0" conaffinity="0"/></default>
</default>
<asset>{''.join(_hull_xml(i, element) for i, element in still)}</asset>
<worldbody>
  <body name="fixed" childclass="still">{panel}{''.join(map(_bare, fixture.fixed))}</body>
  {''.join(_element_xml(i, *described, friction) for i, described in numbered)}
</worldbody>
</mujoco>"""


def _bare(solid: Solid) -> str:
    return solid_xml(replace(solid, surface=None))


def _element_xml(index: int, element: Element, mechanism: Mechanism, friction: float) -> str:
    extent = np.ptp(element.hull, axis=0).clip(0.005)
    middle = (element.hull.max(axis=0) + element.hull.min(axis=0)) / 2
    inertia = _MASS / 12 * ((extent**2).sum() - extent**2)
    way = mechanism.joint
    joint = '' if way is None else _joint_xml(index, way, element, mechanism, friction)
    hull = f'<geom name="hull_{index}" class="hull" type="mesh" mesh="hull_{index}"/>'
    return (
        f'<body name="element_{index}" childclass="still" '
        f'gravcomp="{int(mechanism.use.action not in CARRIED)}">'
        f'<inertial pos="{_words(middle)}" mass="{_MASS}" diaginertia="{_words(inertia)}"/>'
        f'{joint}{"".join(map(_bare, element.solids))}{"" if joint else hull}</body>'
    )


def _joint_xml(
    index: int, joint: Joint, element: Element, mechanism: Mechanism, friction: float
) -> str:
    arm, action = 1.0, mechanism.use.action
    if joint.hinge:
        # forces act at the hull's farthest point from the axis
        outward = np.cross(element.hull - np.array(joint.pivot), joint.axis)
        arm = max(float(np.linalg.norm(outward, axis=1).max()), _LEAST_ARM)
    low, high = mechanism.limits
    spring = ''
    loss, damping = friction * arm, 2.0 * arm**2
    if action in MOMENTARY:
        stiffness = _SPRING_FORCE * arm / abs(mechanism.goal - mechanism.start)
        damping = 2 * math.sqrt(stiffness * _MASS) * arm
        loss = 0.0
        spring = f'stiffness="{stiffness:.6g}" springref="{mechanism.start:.6g}"'
    elif action in CARRIED:
        loss = 0.0
    return (
        f'<joint name="joint_{index}" type="{"hinge" if joint.hinge else "slide"}" '
        f'axis="{_words(joint.axis)}" pos="{_words(joint.pivot)}" limited="true" '
        f'range="{low:.6g} {high:.6g}" damping="{damping:.6g}" '
        f'frictionloss="{loss:.6g}" solimpfriction="{_DRY}" '
        f'armature="{1e-5 if joint.hinge else 0}" {spring}/>'
    )


def _hull_xml(index: int, element: Element) -> str:
    """Describe a hull as a mesh, slightly thickened so that a flat one has a volume."""
    signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 1, 3)
    vertices = (element.hull + 5e-4 * signs).reshape(-1, 3)
    return f'<mesh name="hull_{index}" vertex="{_words(vertices.ravel())}" inertia="convex"/>'


def _words(values: np.ndarray | tuple[float, ...]) -> str:
    return ' '.join(f'{value:.6g}' for value in np.asarray(values).tolist())
