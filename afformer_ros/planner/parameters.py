# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node `planner`."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.actions import ACTIONS
from afformer_core.manipulation.gripper import Gripper
from afformer_ros.parameter_fields import parameter


@dataclass(frozen=True)
class PlannerParameters:
    """Parameters of the planner; the defaults are those of a Franka arm."""

    demonstrations: str = parameter(
        '', 'Names of the demonstrations to repeat, joined by +. Empty: the selected ones'
    )
    video: str = parameter(
        '', 'Video, folder of images or bag to load first, on the machine of the grounding node'
    )
    action: str = parameter(
        '',
        f'Name of the demonstrated action, one of {", ".join(ACTIONS)}. Empty: the action that '
        'the grounding node finds; the arm does not move if it is unknown',
    )
    serve: bool = parameter(
        False,
        'Whether the planner keeps running and repeats demonstrations for the goals of the action '
        '~/operate_element, instead of once',
        change='never',
    )
    autostart: bool = parameter(
        True,
        'Whether a planner that serves configures and activates itself. If not, use ros2 '
        'lifecycle',
        change='never',
    )
    attempts: int = parameter(
        3,
        'Maximum number of times that the arm acts for a goal of ~/operate_element that gives '
        'no number',
        limits=(1, 10),
    )
    accept_not_visible: bool = parameter(
        False,
        'Whether the outcome NOT_VISIBLE counts as success: the arm has felt the part, and no '
        'camera can see whether it is done. A goal of ~/operate_element may say so for itself',
    )
    time_limit: float = parameter(
        600.0,
        'Maximum seconds for a goal of ~/operate_element that gives no time limit, after which '
        'the arm is halted',
        limits=(1.0, 86_400.0),
    )
    compliant: bool = parameter(
        False,
        'Whether the arm gives way to what it touches, as with impedance control. Only then does '
        'a further attempt push or pull with more force',
    )
    dry_run: bool = parameter(
        False, 'Whether the planner only reports what the arm would do, without an arm'
    )
    agreeing_images: int = parameter(
        3, 'Number of images in a row that must agree before the arm acts', limits=(1, 100)
    )
    minimum_presence: float = parameter(
        0.0,
        'Minimum presence of each of these images. 0: the threshold of the model',
        limits=(0.0, 1.0),
    )
    presence_margin: float = parameter(
        0.2,
        'Share of the distance from that threshold to 1 by which presence must exceed the '
        'threshold before the arm acts. 0: the arm acts on everything that is found, also '
        'with a model that is not calibrated',
        limits=(0.0, 1.0),
    )
    minimum_score: float = parameter(
        0.1,
        'Minimum score of a point at which the arm acts, like minimum_candidate_score of the '
        'grounding node',
        limits=(0.0, 1.0),
    )
    timeout: float = parameter(
        20.0, 'Maximum time to wait for images that agree, in seconds', limits=(0.1, 3600.0)
    )
    maximum_image_age: float = parameter(
        0.0,
        'Maximum age of an image that counts, in seconds from its stamp to its result. 0: '
        'the maximum of the grounding node',
        limits=(0.0, 3600.0),
    )
    clock_patience: float = parameter(
        30.0,
        'Seconds of wall time for which the clock may stand still before the planner gives up',
        limits=(0.5, 3600.0),
    )
    feedback_timeout: float = parameter(
        0.3,
        'Seconds without joint states after which a moving arm is halted',
        limits=(0.05, 10.0),
    )
    distance: float = parameter(
        0.1, 'Distance in metres before the point at which the arm first stops', limits=(0.02, 0.5)
    )
    base_frame: str = parameter('panda_link0', 'Frame of the base of the arm, with z up')
    camera_frame: str = parameter(
        'camera_color_optical_frame',
        'Optical frame of the camera whose pose arrives on camera_pose. Empty: the planner '
        'requests positions in base_frame, to which the grounding node transforms them with '
        'tf2',
    )
    correct_camera_pose: bool = parameter(
        True,
        'Whether the planner corrects the pose of a fixed camera by the depth of the arm, where '
        'depth shows it shortly before it touches the part',
    )
    arm_model: str = parameter(
        '',
        'MJCF or URDF file of the arm in its base frame. Empty: the simulated Franka arm',
    )
    tip_site: str = parameter('tip', 'Site of the arm model at the tip, with z out of the tool')
    joints: tuple[str, ...] = parameter(
        tuple(f'panda_joint{number}' for number in range(1, 8)), 'Names of the joints of the arm'
    )
    joint_velocities: tuple[float, ...] = parameter(
        (1.2,),
        'Maximum velocity of each joint of the arm in radians per second, or one for all',
    )
    joint_accelerations: tuple[float, ...] = parameter(
        (6.0,),
        'Maximum acceleration of each joint in radians per second squared, or one for all',
    )
    joint_jerks: tuple[float, ...] = parameter(
        (60.0,), 'Maximum jerk of each joint in radians per second cubed, or one for all'
    )
    speed_scale: float = parameter(
        1.0,
        'Factor of all speeds of the arm, unless a goal of ~/operate_element gives one',
        limits=(0.01, 1.0),
    )
    tip_speed: float = parameter(
        0.25, 'Maximum speed of the tip in free motion, metres per second', limits=(0.01, 2.0)
    )
    contact_speed: float = parameter(
        0.03,
        'Speed of the tip where it may touch something, metres per second. The force on a stiff '
        'arm grows by its stiffness times this speed while it halts',
        limits=(0.002, 0.25),
    )
    contact_force: float = parameter(
        10.0,
        'Force in newtons by which a part stops the tip. It needs a wrench, or efforts without '
        'gravity; without them, a tip that is slower than its command is stopped',
        limits=(1.0, 200.0),
    )
    maximum_force: float = parameter(
        60.0,
        'Force of the tip in newtons at which the arm is halted, unless a goal of '
        '~/operate_element gives one. It needs the same measurements as contact_force',
        limits=(1.0, 500.0),
    )
    effort_without_gravity: bool = parameter(
        False,
        'Whether the efforts in joint_states are those beyond the weight of the arm, so that they '
        'tell the force of the tip where no wrench is published',
    )
    gripper_joint: str = parameter('panda_finger_joint1', 'Name of the joint of the gripper')
    gripper_open: float = parameter(0.04, 'Position of the joint of the open gripper')
    gripper_closed: float = parameter(0.0, 'Position of the joint of the empty, closed gripper')
    gripper_width: float = parameter(
        0.08, 'Distance in metres between the fingers of the open gripper', limits=(0.001, 1.0)
    )
    gripper_effort: float = parameter(
        0.0,
        'Maximum effort of the gripper in the units of its driver. 0: the maximum of the driver',
        limits=(0.0, 1000.0),
    )

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
        if self.serve and (self.dry_run or self.video or self.demonstrations):
            raise ValueError(
                'serve is set together with dry_run, video or demonstrations; expected it alone. '
                'Give the demonstrations in the goals'
            )
        for name in ('joint_velocities', 'joint_accelerations', 'joint_jerks'):
            values = getattr(self, name)
            if len(values) not in (1, len(self.joints)) or not min(values, default=0.0) > 0:
                raise ValueError(
                    f'{name} is {list(values)}; expected one positive number, or one for each of '
                    f'the {len(self.joints)} joints'
                )
        # It checks its own numbers.
        _ = self.gripper
        if self.contact_force > self.maximum_force:
            raise ValueError(
                f'contact_force is {self.contact_force:g} N; expected at most maximum_force, '
                f'{self.maximum_force:g} N'
            )

    @property
    def gripper(self) -> Gripper:
        """The gripper."""
        return Gripper(
            self.gripper_open, self.gripper_closed, self.gripper_effort, self.gripper_width
        )
