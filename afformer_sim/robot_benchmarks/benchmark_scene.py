# SPDX-License-Identifier: Apache-2.0
"""Scenes of one fixture of a benchmark, with one operated part."""

from __future__ import annotations

from functools import cached_property, lru_cache

import mujoco
import numpy as np

from afformer_sim.bodies.element import Element, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose, facing
from afformer_sim.robot_benchmarks.fixture_model import (
    attach_fixture,
    find_geoms,
    find_joint,
    geom_corners,
    scale_fixture,
)
from afformer_sim.robot_benchmarks.operated_part import OperatedPart
from afformer_sim.robot_benchmarks.parts import benchmark_part
from afformer_sim.scene.scene import Scene

# Metres around the part that images may contain.
_AROUND = 0.3
_LIFTED = (0.0, 0.0, 1.0)


class BenchmarkScene(Scene):
    """Scene whose family is one of `BENCHMARK_PARTS`; its only element is the part.

    Reading `fixture` raises a DatasetError if the package of its model is not installed.
    """

    @property
    def part(self) -> OperatedPart:
        """Part that is operated."""
        return benchmark_part(self.family)

    @cached_property
    def fixture(self) -> Fixture:
        """Fixture of the scene, without solids, because these are in the benchmark's model."""
        return measure_part(self.part)


@lru_cache(maxsize=16)
def measure_part(part: OperatedPart) -> Fixture:
    """Build the fixture from the benchmark's model at rest."""
    spec = mujoco.MjSpec()
    attach_fixture(spec, part)
    model = spec.compile()
    scale_fixture(model, part.scale)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    geoms = find_geoms(model, part)
    position = np.array([0.0, part.point[1] * part.scale, 0.0])
    pose = Pose(position, facing(part.outward, part.upward))
    hull = (geom_corners(model, data, geoms.grasped) - position) @ pose.rotation
    use = Use(part.action, (part.grip,), *_motion(model, data, part, pose))
    element = Element('part', pose, (), hull, Front((0.0, 0.0, 0.0), 0.01, 0.01), (use,))
    corners = geom_corners(model, data, geoms.shown)
    shown = corners.clip(position - _AROUND, position + _AROUND)
    return Fixture(
        part.family,
        (element,),
        (),
        bottom=part.bottom * part.scale,
        back=float(corners[:, 2].min()),
        shown=shown,
        elevation=part.elevation,
    )


def _motion(
    model: mujoco.MjModel, data: mujoco.MjData, part: OperatedPart, pose: Pose
) -> tuple[Joint, tuple[float, float], tuple[float, float]]:
    """Return the joint in the element's frame, and its values before and after."""
    joint = find_joint(model, part)
    kind = model.jnt_type[joint]
    if kind == mujoco.mjtJoint.mjJNT_HINGE:
        axis = data.xaxis[joint] @ pose.rotation
        pivot = (data.xanchor[joint] - pose.position) @ pose.rotation
        hinge = Joint(tuple(axis.tolist()), hinge=True, pivot=tuple(pivot.tolist()))
        return hinge, (0.0, 0.0), part.after
    lowest, highest = (part.scale * value for value in part.after)
    if kind == mujoco.mjtJoint.mjJNT_FREE:
        return Joint(_LIFTED), (0.0, 0.0), (lowest, highest)
    axis = data.xaxis[joint] @ pose.rotation
    return Joint(tuple(axis.tolist())), (0.0, 0.0), (lowest, highest)
