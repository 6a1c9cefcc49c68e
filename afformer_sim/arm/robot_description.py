# SPDX-License-Identifier: Apache-2.0
"""Description of the arm in URDF, for RViz, Foxglove and robot_state_publisher."""

from __future__ import annotations

import math

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import (
    FINGER_FORCE,
    FINGER_SPEED,
    JOINTS,
    TIP_SITE,
    arm_model,
    mesh_file,
)

_SPEEDS = {described.name: (described.speed, described.torque) for described in JOINTS}
# Group of the geoms that are shown, and suffix of their meshes.
_SHOWN_GROUP, _SHOWN = 2, '_shown'


def robot_description() -> str:
    """Describe the arm of `franka.arm_model` in URDF, with the link `panda_tip` at its tip.

    Meshes are named by their paths on this machine.

    Raises:
        DatasetError: the package with the meshes is not installed.
    """
    model = arm_model()
    bodies = range(1, model.nbody)
    site = model.site(TIP_SITE)
    tip = (
        '<link name="panda_tip"/>'
        '<joint name="panda_tip_joint" type="fixed">'
        f'<parent link="{model.body(int(site.bodyid[0])).name}"/><child link="panda_tip"/>'
        f'{_origin(site.pos, site.quat)}</joint>'
    )
    links = ''.join(_link(model, body) for body in bodies)
    joints = ''.join(_joint(model, body) for body in bodies if model.body_parentid[body])
    return f'<robot name="panda">{links}{joints}{tip}</robot>'


def _link(model: mujoco.MjModel, body: int) -> str:
    geoms = [
        geom
        for geom in np.flatnonzero(model.geom_bodyid == body).tolist()
        if model.geom_group[geom] == _SHOWN_GROUP
    ]
    x, y, z = model.body_inertia[body]
    inertial = (
        f'<inertial>{_origin(model.body_ipos[body], model.body_iquat[body])}'
        f'<mass value="{model.body_mass[body]:.6g}"/>'
        f'<inertia ixx="{x:.6g}" iyy="{y:.6g}" izz="{z:.6g}" ixy="0" ixz="0" iyz="0"/></inertial>'
    )
    shown = ''.join(_visual(model, geom) for geom in geoms)
    return f'<link name="{model.body(body).name}">{inertial}{shown}</link>'


def _visual(model: mujoco.MjModel, geom: int) -> str:
    position, quaternion = model.geom_pos[geom], model.geom_quat[geom]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = int(model.geom_dataid[geom])
        part = model.mesh(mesh).name.removeprefix('panda_').removesuffix(_SHOWN)
        shape = f'<mesh filename="file://{mesh_file("visual", part)}"/>'
        position, quaternion = _file_frame(model, mesh, position, quaternion)
    else:
        shape = f'<box size="{_words(2 * model.geom_size[geom])}"/>'
    return (
        f'<visual>{_origin(position, quaternion)}<geometry>{shape}</geometry>'
        f'<material name="colour_{geom}"><color rgba="{_words(model.geom_rgba[geom])}"/>'
        '</material></visual>'
    )


def _file_frame(
    model: mujoco.MjModel,
    mesh: int,
    position: NDArray[np.float64],
    quaternion: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pose of a mesh's file; MuJoCo moves a mesh to its principal axes."""
    backward, turned = np.empty(4), np.empty(4)
    mujoco.mju_negQuat(backward, model.mesh_quat[mesh])
    mujoco.mju_mulQuat(turned, quaternion, backward)
    shift = np.empty(3)
    mujoco.mju_rotVecQuat(shift, model.mesh_pos[mesh], turned)
    return position - shift, turned


def _joint(model: mujoco.MjModel, body: int) -> str:
    ends = (
        f'<parent link="{model.body(int(model.body_parentid[body])).name}"/>'
        f'<child link="{model.body(body).name}"/>'
        f'{_origin(model.body_pos[body], model.body_quat[body])}'
    )
    if not model.body_jntnum[body]:
        return f'<joint name="{model.body(body).name}_joint" type="fixed">{ends}</joint>'
    joint = int(model.body_jntadr[body])
    name = model.joint(joint).name
    slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    speed, effort = _SPEEDS.get(name, (FINGER_SPEED, FINGER_FORCE))
    low, high = model.jnt_range[joint]
    return (
        f'<joint name="{name}" type="{"prismatic" if slides else "revolute"}">{ends}'
        f'<axis xyz="{_words(model.jnt_axis[joint])}"/>'
        f'<limit lower="{low:.6g}" upper="{high:.6g}" velocity="{speed}" effort="{effort}"/>'
        '</joint>'
    )


def _origin(position: NDArray[np.float64], quaternion: NDArray[np.float64]) -> str:
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    rotation = matrix.reshape(3, 3)
    pitch = math.asin(float(np.clip(-rotation[2, 0], -1, 1)))
    roll = math.atan2(float(rotation[2, 1]), float(rotation[2, 2]))
    yaw = math.atan2(float(rotation[1, 0]), float(rotation[0, 0]))
    if abs(rotation[2, 0]) > 1 - 1e-9:
        # roll and yaw then share one axis
        roll, yaw = 0.0, math.atan2(float(-rotation[0, 1]), float(rotation[1, 1]))
    return f'<origin xyz="{_words(position)}" rpy="{roll:.9g} {pitch:.9g} {yaw:.9g}"/>'


def _words(values: NDArray[np.float64]) -> str:
    return ' '.join(f'{value:.7g}' for value in np.asarray(values).tolist())
