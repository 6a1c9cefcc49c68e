# SPDX-License-Identifier: Apache-2.0
"""MuJoCo models of a benchmark's fixture, in the axes and the size of our scenes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from afformer_core.errors import DatasetError
from afformer_sim.robot_benchmarks.operated_part import OperatedPart

_SEPARATOR = '/'
# From z up to y up, about the x axis.
_UPRIGHT = (math.sqrt(0.5), -math.sqrt(0.5), 0.0, 0.0)
# MuJoCo shows the groups below this one.
_HIDDEN_GROUPS = 3
_SIZES = ('njmax', 'nconmax', 'nuser_actuator', 'nuser_jnt', 'nuser_geom', 'nuser_body')


@dataclass(frozen=True)
class PartGeoms:
    """Geoms of a model, grouped by their relation to the hand.

    Attributes:
        moving: int64 [M], all that move with the part.
        grasped: int64 [G], the visible ones of `moving` that the hand touches.
        shown: int64 [S], all visible ones of the fixture.
    """

    moving: np.ndarray
    grasped: np.ndarray
    shown: np.ndarray


def attach_fixture(world: mujoco.MjSpec, part: OperatedPart) -> None:
    """Add a fixture to a world, the point of contact above its origin.

    Raises:
        DatasetError: the package is not installed, or MuJoCo cannot read the model.
    """
    path = part.source.locate(part.model)
    x, _, z = part.point
    frame = world.worldbody.add_frame(pos=[-x, 0, -z], quat=_UPRIGHT)
    for number, name in enumerate(body.name for body in _outer_bodies(_read(path))):
        if name not in part.source.scenery:
            # attaching takes assets and keyframes of the whole model along, once and with one
            # prefix; so each body comes from a model of its own
            spec = _read(path)
            _copy_settings(world, spec)
            frame.attach_body(_outer_bodies(spec)[number], f'{number}{_SEPARATOR}', '')


def scale_fixture(model: mujoco.MjModel, factor: float) -> None:
    """Scale an attached fixture about the world's origin."""
    bodies = _fixture_bodies(model)
    geoms = np.isin(model.geom_bodyid, bodies)
    joints = np.isin(model.jnt_bodyid, bodies)
    for values in (model.body_pos, model.body_ipos):
        values[bodies] *= factor
    for values in (model.geom_pos, model.geom_size, model.geom_rbound, model.geom_aabb):
        values[geoms] *= factor
    model.jnt_pos[joints] *= factor
    model.mesh_vert[:] *= factor
    for joint in np.flatnonzero(joints & (model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)):
        first = int(model.jnt_qposadr[joint])
        model.qpos0[first : first + 3] *= factor


def find_joint(model: mujoco.MjModel, part: OperatedPart) -> int:
    """Return the number of the part's joint.

    Raises:
        DatasetError: the model has no such joint.
    """
    for joint in range(model.njnt):
        body = model.body(model.jnt_bodyid[joint])
        if part.moves in (_own_name(model.joint(joint).name), _own_name(body.name)):
            return joint
    raise _lacking(part, f'joint or body {part.moves!r}')


def find_geoms(model: mujoco.MjModel, part: OperatedPart) -> PartGeoms:
    """Return the part's geoms.

    Raises:
        DatasetError: the model has no such joint, or no visible geom of the materials moves.
    """
    body = int(model.jnt_bodyid[find_joint(model, part)])
    moving = np.array([_is_below(model, int(geom_body), body) for geom_body in model.geom_bodyid])
    visible = model.geom_group < _HIDDEN_GROUPS
    grasped = moving & visible
    if part.materials:
        numbers = [
            number
            for number in range(model.nmat)
            if _own_name(model.material(number).name) in part.materials
        ]
        grasped &= np.isin(model.geom_matid, numbers)
    if not grasped.any():
        raise _lacking(part, f'moving geom of {", ".join(part.materials) or "any material"}')
    shown = visible & np.isin(model.geom_bodyid, _fixture_bodies(model))
    return PartGeoms(*(np.flatnonzero(chosen) for chosen in (moving, grasped, shown)))


def geom_corners(model: mujoco.MjModel, data: mujoco.MjData, geoms: np.ndarray) -> np.ndarray:
    """Return the corners of the geoms' boxes in the world, float64 [8 G, 3] metres."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = []
    for geom in geoms:
        centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        rotation = data.geom_xmat[geom].reshape(3, 3)
        corners.append((centre + signs * half) @ rotation.T + data.geom_xpos[geom])
    return np.concatenate(corners)


def _read(path: Path) -> mujoco.MjSpec:
    try:
        return mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise DatasetError(f'{path} cannot be read as a MuJoCo model: {error}') from error


def _copy_settings(world: mujoco.MjSpec, spec: mujoco.MjSpec) -> None:
    """Copy the options of dynamics and display that would conflict."""
    _copy_fields(world.option, spec.option)
    for group in ('global_', 'headlight', 'map', 'quality'):
        _copy_fields(getattr(world.visual, group), getattr(spec.visual, group))
    for name in _SIZES:
        setattr(spec, name, getattr(world, name))


def _own_name(name: str) -> str:
    """Return the name of an attached object in its own model."""
    return name.partition(_SEPARATOR)[2]


def _copy_fields(source: Any, goal: Any) -> None:
    """Copy numbers and arrays of numbers by name."""
    for name in dir(source):
        value = getattr(source, name)
        if isinstance(value, np.ndarray):
            getattr(goal, name)[:] = value
        elif isinstance(value, int | float):
            setattr(goal, name, value)


def _outer_bodies(spec: mujoco.MjSpec) -> list[mujoco.MjsBody]:
    found = []
    body = spec.worldbody.first_body()
    while body is not None:
        found.append(body)
        body = spec.worldbody.next_body(body)
    return found


def _fixture_bodies(model: mujoco.MjModel) -> np.ndarray:
    # the scene's own objects move as mocap bodies
    own = model.body_mocapid[model.body_rootid] >= 0
    own[0] = True
    return np.flatnonzero(~own)


def _is_below(model: mujoco.MjModel, body: int, ancestor: int) -> bool:
    while body not in (0, ancestor):
        body = int(model.body_parentid[body])
    return body == ancestor


def _lacking(part: OperatedPart, what: str) -> DatasetError:
    return DatasetError(
        f'{part.model} of {part.source.title} has no {what}; expected the model of '
        f"{part.source.requirement}. Run: pip install --no-deps '{part.source.requirement}'"
    )
