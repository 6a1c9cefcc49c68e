# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node `planner`."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_ros.parameter_fields import parameter


@dataclass(frozen=True)
class PlannerParameters:
    """Parameters of the planner; the defaults are those of a Franka arm."""

    demonstrations: str = parameter(
        '', 'What to repeat: names of demonstrations joined by +; empty: the selected ones'
    )
    video: str = parameter(
        '', 'Video, folder of images or bag to load first, on the machine of the grounding node'
    )
    dry_run: bool = parameter(False, 'Say what the arm would do, without an arm')
    agreeing_images: int = parameter(
        3, 'Images in a row that must agree before the arm acts', limits=(1, 100)
    )
    minimum_presence: float = parameter(
        0.0,
        'Presence that each of them needs; 0 for the threshold of the model',
        limits=(0.0, 1.0),
    )
    timeout: float = parameter(20.0, 'Seconds to wait for them', limits=(0.1, 3600.0))
    distance: float = parameter(
        0.1, 'Metres before the point at which the arm stops first', limits=(0.02, 0.5)
    )
    base_frame: str = parameter('panda_link0', 'Frame of the base of the arm, z up')
    arm_model: str = parameter(
        '',
        'MJCF or URDF file of the arm in its base frame; empty: the simulated Franka arm',
    )
    tip_site: str = parameter('tip', 'Site of the model at the tip, z out of the tool')
    joints: tuple[str, ...] = parameter(
        tuple(f'panda_joint{number}' for number in range(1, 8)), 'Joints of the arm'
    )
    gripper_joint: str = parameter('panda_finger_joint1', 'Joint of the gripper')

    def __post_init__(self) -> None:
        if self.video and self.demonstrations:
            raise ValueError(
                f'video is {self.video!r}, demonstrations are {self.demonstrations!r}; expected '
                'one of them'
            )
