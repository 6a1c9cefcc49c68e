# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node `planner`."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_ros.parameter_fields import parameter
from afformer_ros.planner.contact import ACTIONS


@dataclass(frozen=True)
class PlannerParameters:
    """Parameters of the planner; the defaults are those of a Franka arm."""

    demonstrations: str = parameter(
        '', 'What to repeat: names of demonstrations joined by +; empty: the selected ones'
    )
    video: str = parameter(
        '', 'Video, folder of images or bag to load first, on the machine of the grounding node'
    )
    action: str = parameter(
        '',
        'What is demonstrated, one of touch, hold, push, pull, rotate, pick up and put down; '
        'empty: what the grounding node finds, and no motion where that is unknown',
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
    presence_margin: float = parameter(
        0.5,
        'Share of the way from that threshold to 1 that presence needs before the arm acts; 0: '
        'what is found is acted on, also by a model that is not calibrated',
        limits=(0.0, 1.0),
    )
    minimum_score: float = parameter(
        0.1,
        'Score that a point needs before the arm acts there, as minimum_candidate_score of the '
        'grounding node',
        limits=(0.0, 1.0),
    )
    timeout: float = parameter(20.0, 'Seconds to wait for them', limits=(0.1, 3600.0))
    maximum_image_age: float = parameter(
        0.0,
        'Seconds from the stamp of an image to its result, after which it does not count; 0: as '
        'the grounding node has it',
        limits=(0.0, 3600.0),
    )
    clock_patience: float = parameter(
        30.0,
        'Seconds on the wall for which the clock may stand still before the planner gives up',
        limits=(0.5, 3600.0),
    )
    distance: float = parameter(
        0.1, 'Metres before the point at which the arm stops first', limits=(0.02, 0.5)
    )
    base_frame: str = parameter('panda_link0', 'Frame of the base of the arm, z up')
    camera_frame: str = parameter(
        'camera_color_optical_frame',
        'Optical frame of the camera whose pose camera_pose is; empty: positions are asked for in '
        'base_frame, and the grounding node transforms them by tf2',
    )
    camera_moves: bool = parameter(
        False,
        'Whether the camera moves, as one on the wrist does: camera_pose is then needed before '
        'and after each image',
    )
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
        if self.action and self.action not in ACTIONS:
            raise ValueError(
                f'action is {self.action!r}; expected one of {", ".join(ACTIONS)}, or nothing'
            )
        if self.video and self.demonstrations:
            raise ValueError(
                f'video is {self.video!r}, demonstrations are {self.demonstrations!r}; expected '
                'one of them'
            )
