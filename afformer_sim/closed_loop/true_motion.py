# SPDX-License-Identifier: Apache-2.0
"""True direction in which a demonstration moves an element, and the error of a published one."""

from __future__ import annotations

import numpy as np

from afformer_core.geometry.motion import PartMotion
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose
from afformer_sim.scene.demonstration import SimulatedDemonstration
from afformer_sim.scene.outline import front_centre


def true_motion(
    fixture: Fixture, demonstration: SimulatedDemonstration, displacement: Pose
) -> np.ndarray:
    """Compute the direction in which a demonstration moves the front of its element.

    Args:
        fixture: fixture of the element.
        demonstration: demonstration of it.
        displacement: initial displacement of the element.

    Returns:
        [3] of unit length in the fixture's frame: the initial direction of motion of the front's
        middle; the axis by the right-hand rule for a rotation; or the inward axis of the front for
        a fixed element.
    """
    element, motion = fixture.elements[demonstration.element], demonstration.motion
    placed, joint = element.placed(displacement), motion.use.joint
    if joint is None:
        return np.asarray(-placed.rotation[:, 2])
    before, after = motion.values
    axis = np.sign(after - before) * element.pose.direct(np.array(joint.axis))
    if not joint.hinge or demonstration.action == 'rotate':
        return np.asarray(axis)
    arm = front_centre(element, displacement) - element.pose.apply(np.array(joint.pivot))
    tangent = np.cross(axis, arm)
    return np.asarray(tangent / np.linalg.norm(tangent))


def motion_error(motion: PartMotion, expected: np.ndarray) -> float | None:
    """Compute the angle between a motion and the expected one, [3], in degrees, 0 to 180.

    Return None if the motion is not known. A rotation in the wrong sense differs by more than 90
    degrees.
    """
    if motion.direction is None:
        return None
    return float(np.degrees(np.arccos(np.clip(motion.direction @ expected, -1, 1))))
