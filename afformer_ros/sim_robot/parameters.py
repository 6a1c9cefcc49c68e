# SPDX-License-Identifier: Apache-2.0
"""Parameters of the node `sim_robot`: names, defaults, ranges and descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_ros.parameter_fields import constraints_of, parameter
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.cameras.depth_camera import RobotErrors
from afformer_sim.closed_loop.dynamics import PART_FRICTION
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.datasets.rgbd_messages import DEPTH_ENCODINGS
from afformer_sim.families import FAMILIES


@dataclass(frozen=True)
class SimRobotParameters:
    """Every parameter of the node; each text is its ROS description.

    Raises:
        ValueError: a value is out of its range, or there is no such trial.
    """

    families: tuple[str, ...] = parameter(
        FAMILIES, 'Families of the fixtures, which the scenes use in turn by their number'
    )
    seed: int = parameter(8, 'Seed of the scenes', limits=(0, 2**31 - 1))
    scene: int = parameter(0, 'Number of the scene', limits=(0, 2**31 - 1))
    demonstration: int = parameter(
        0, 'Number of the demonstration, whose task the verdict judges', limits=(0, 100)
    )
    view: int = parameter(
        0, 'Number of the view of the head camera for that demonstration', limits=(0, 100)
    )
    demonstrations: int = parameter(2, 'Number of demonstrations of a scene', limits=(1, 100))
    views: int = parameter(2, 'Number of views of a demonstration', limits=(1, 100))
    held_out: bool = parameter(
        True, 'Whether the scenes have textures that are excluded from training'
    )
    image_width: int = parameter(640, 'Width of the images in pixels', limits=(32, 4096))
    image_height: int = parameter(480, 'Height of the images in pixels', limits=(32, 4096))
    image_rate: float = parameter(
        10.0, 'Images per second of simulated time', limits=(0.1, 100.0), change='never'
    )
    joint_rate: float = parameter(
        100.0, 'Joint states per second of simulated time', limits=(1.0, 500.0), change='never'
    )
    depth_noise: float = parameter(
        0.01, 'Standard deviation of depth, as a share of the depth', limits=(0.0, 0.2)
    )
    camera_shift: float = parameter(
        0.0,
        'Distance in metres by which the position in camera_pose is off, in a random direction',
        limits=(0.0, 0.1),
    )
    camera_turn: float = parameter(
        0.0,
        'Angle in degrees by which the orientation in camera_pose is off, about a random axis',
        limits=(0.0, 10.0),
    )
    depth_shift: float = parameter(
        0.0, 'Pixels by which depth is off the image, in a random direction', limits=(0.0, 20.0)
    )
    part_friction: float = parameter(
        PART_FRICTION,
        'Friction of sliding and turning parts in newtons; a drawer that sticks has about 30',
        limits=(0.0, 200.0),
    )
    stiffness_scale: float = parameter(
        1.0,
        "Factor of the stiffness of the arm's impedance control, whose square root is that of the "
        'damping; an arm under position control has about 10',
        limits=(0.1, 30.0),
    )
    depth_encoding: str = parameter(
        '16UC1',
        'Encoding of depth: 16UC1 (millimetres) or 32FC1 (metres)',
        choices=DEPTH_ENCODINGS,
        change='never',
    )
    real_time_factor: float = parameter(
        1.0,
        'Maximum number of simulated seconds per second of wall time. 0: as fast as possible',
        limits=(0.0, 1000.0),
    )

    lock_step: bool = parameter(
        False,
        'Whether simulated time waits until each joint state is acknowledged on ~/acknowledge',
        change='never',
    )

    def __post_init__(self) -> None:
        for name, constraint in constraints_of(type(self)).items():
            constraint.check(name, getattr(self, name))
        if self.demonstration >= self.demonstrations or self.view >= self.views:
            raise ValueError(
                f'demonstration is {self.demonstration} and view {self.view}; expected values '
                f'below demonstrations ({self.demonstrations}) and views ({self.views})'
            )

    @property
    def settings(self) -> ClosedLoopSettings:
        """Settings of the trials of which this is one."""
        return ClosedLoopSettings(
            families=self.families,
            held_out=self.held_out,
            seed=self.seed,
            demonstrations=self.demonstrations,
            views=self.views,
            size=(self.image_width, self.image_height),
            noise=self.depth_noise,
        )

    @property
    def errors(self) -> RobotErrors:
        """Errors of the robot's calibration."""
        return RobotErrors(self.camera_shift, self.camera_turn, self.depth_shift)

    def trial(self) -> PlannedTrial:
        """Plan the trial."""
        trials = plan_trials(self.settings, self.scene)
        return trials[self.demonstration * self.views + self.view]

    def world(self, before: ArmWorld | None = None) -> ArmWorld:
        """Build the world of the trial, or that of the trial of an earlier world."""
        trial, workplace = (before.trial, before.workplace) if before else (self.trial(), None)
        return ArmWorld(trial, workplace, self.part_friction, self.stiffness_scale)
