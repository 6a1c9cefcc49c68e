# SPDX-License-Identifier: Apache-2.0
"""Elements of tabletop objects, and their actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from afformer_sim.bodies.element import Element, Front, Joint, Use
from afformer_sim.bodies.grip import Fingertip, Grip, Hook, Pinch
from afformer_sim.bodies.pose import Pose, facing
from afformer_sim.bodies.solid import Solid
from afformer_sim.families.parts.vessel_handles import VesselHandle
from afformer_sim.families.parts.vessels import UP, UPRIGHT, Knob

_ALONG = Joint((0.0, 0.0, 1.0))
_ABOUT = Joint((0.0, 0.0, 1.0), hinge=True)


def handle_element(
    kind: str,
    rng: np.random.Generator,
    solids: Sequence[Solid],
    handle: VesselHandle,
    outward: np.ndarray,
) -> Element:
    """Build an element that is lifted by a handle: `pick up`, `put down`, `hold`, `touch`.

    Args:
        kind: everyday name.
        rng: source of randomness, for the path.
        solids: all other solids that move with the handle, in the object's frame.
        handle: the handle, in the same frame.
        outward: [3], direction from the handle to the hand.
    """
    across = abs(handle.along @ UP) < 0.7 and abs(handle.along[0]) > 0.5
    upward = np.cross(outward, handle.along) if across else handle.along
    rotation = facing(outward, upward if upward @ (UP - [0, 0, 1]) > 0 else -upward)
    pose = Pose(handle.middle - rotation[:, 2] * handle.radius, rotation)
    inverse = _inverse(pose)
    half = (handle.length / 2, handle.radius) if across else (handle.radius, handle.length / 2)
    hook = Hook(handle.length, handle.radius, handle.radius, vertical=not across)
    tip = Fingertip(*half, 2 * handle.radius)
    return Element(
        kind,
        pose,
        tuple(solid.moved(inverse) for solid in (*solids, *handle.solids)),
        np.concatenate([solid.moved(inverse).corners() for solid in handle.solids]),
        Front((0.0, 0.0, 2 * handle.radius), *half),
        (*carry(rng, pose, hook), *rest((hook, tip))),
    )


def knob_element(
    kind: str,
    pose: Pose,
    solids: Sequence[Solid],
    knob: Knob,
    uses: Sequence[Use],
) -> Element:
    """Build an element that is pinched from above.

    Args:
        kind: everyday name.
        pose: the knob's frame in the object's.
        solids: all other solids that move with the knob, in the knob's frame.
        knob: the knob, in the same frame.
        uses: actions that it affords.
    """
    return Element(
        kind,
        pose,
        (*solids, *knob.solids),
        np.concatenate([solid.corners() for solid in knob.solids]),
        Front((0.0, 0.0, knob.height), 0.85 * knob.radius, 0.85 * knob.radius),
        tuple(uses),
    )


def lid_element(
    kind: str, rng: np.random.Generator, seat: Pose, plate: Sequence[Solid], knob: Knob
) -> Element:
    """Build a lid on `seat` that is lifted, turned, held or touched by its knob."""
    grips = knob_grips(knob)
    uses = (*carry(rng, seat, grips[0]), turn(rng, grips[0]), *rest(grips))
    return knob_element(kind, seat, plate, knob, uses)


def pressed_element(
    kind: str, pose: Pose, solids: tuple[Solid, ...], knob: Knob, stroke: float
) -> Element:
    """Build an element that moves down by `stroke` metres when pushed, and up when pulled."""
    grips = knob_grips(knob)
    low = (-stroke, -max(0.8 * stroke, 0.02))
    uses = (*press(grips, low, (-0.1 * stroke, 0.0)), *rest(grips))
    return knob_element(kind, pose, solids, knob, uses)


def knob_grips(knob: Knob) -> tuple[Pinch, Fingertip]:
    """Return a pinch of a knob, and a fingertip on it."""
    half = 0.6 * knob.radius
    pinch = Pinch(knob.radius, 0.6 * knob.height, knob.height)
    return pinch, Fingertip(half, half, knob.height)


def carry(rng: np.random.Generator, pose: Pose, *grips: Grip) -> tuple[Use, Use]:
    """Draw `pick up` and `put down` of an element at `pose`, along a mostly upright path."""
    path = np.array([rng.uniform(-0.1, 0.1), 1.0, rng.uniform(0.0, 0.25)])
    x, y, z = pose.rotation.T @ path / np.linalg.norm(path)
    joint = Joint((float(x), float(y), float(z)))
    low, high = (0.0, 0.0), (0.06, 0.14)
    return Use('pick up', grips, joint, low, high), Use('put down', grips, joint, high, low)


def turn(rng: np.random.Generator, *grips: Grip) -> Use:
    """Draw a rotation about z, in either direction."""
    low, high = (-0.8, -0.45), (0.45, 0.8)
    if rng.random() < 0.5:
        low, high = high, low
    return Use('rotate', grips, _ABOUT, low, high)


def slid(element: Element, near: float, far: float) -> Element:
    """Add a pull towards the user and a push back to an element.

    Args:
        element: element that can be picked up; it slides with the same grips.
        near, far: smallest and largest stroke in metres.
    """
    x, y, z = element.pose.rotation[2]
    joint = Joint((float(x), float(y), float(z)))
    ends, grips = ((0.0, 0.15 * near), (near, far)), element.use('pick up').grips
    uses = (Use('pull', grips, joint, *ends), Use('push', grips, joint, *ends[::-1]))
    return replace(element, uses=(*element.uses, *uses))


def press(
    grips: tuple[Pinch, Fingertip], low: tuple[float, float], high: tuple[float, float]
) -> tuple[Use, Use]:
    """Return a push along z from `high` to `low`, and a pull back, which needs a pinch."""
    return (
        Use('push', grips, _ALONG, high, low),
        Use('pull', grips[:1], _ALONG, low, high),
    )


def rest(grips: tuple[Grip, ...]) -> tuple[Use, Use]:
    """Return `hold` and `touch`, without any movement."""
    return Use('hold', grips), Use('touch', grips)


def stand_on(level: float, x: float = 0.0, z: float = 0.0) -> Pose:
    """Return a frame at a height with z up and y away from the user."""
    return Pose(np.array([x, level, z]), UPRIGHT)


def _inverse(pose: Pose) -> Pose:
    return Pose(-pose.rotation.T @ pose.position, pose.rotation.T)
