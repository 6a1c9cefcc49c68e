# SPDX-License-Identifier: Apache-2.0
"""Demonstrations that a simulated arm repeats in the demo, and their film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState

from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.action import OperateElement
from afformer_ros.demo.film_frames import robot_film_frame
from afformer_ros.driver.grounding_driver import NodeProcesses
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_ros.robot_trials.trials import NAME, repeat, show
from afformer_sim.closed_loop.dynamics import PART_FRICTION
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import plan_trials

FILM_RATE = 4.0
# Images per second of the robot's time; the film runs at twice that.
_IMAGE_RATE = 2.0
# Scenes of the benchmark with held-out textures, and the friction of their parts in newtons: a
# button, a drawer that sticks, and a knob.
_SCENES = {0: PART_FRICTION, 2: 57.0, 1: PART_FRICTION}
# Number of frames for which the film shows the result.
_STILLS = 8
# Radians or metres below which the arm counts as still.
_STILL = 0.02
_SEEN = {
    True: 'the camera sees that it is done',
    False: 'the camera sees that it is not done',
    None: 'the camera does not see whether it is done',
}
_LIVE, _FROZEN = "grounded by the robot's camera", 'grounded before the arm moved'


@dataclass(frozen=True)
class FilmImages:
    """The images at one time.

    Attributes:
        spectator: image of the spectator, uint8 RGB [H, W, 3].
        overlay: newest overlay at that time, or the last one before the arm moved.
        moved: whether the arm had already moved.
        step: last step that the planner had begun, for a person; empty before the first one.
    """

    spectator: NDArray[np.uint8]
    overlay: NDArray[np.uint8]
    moved: bool
    step: str = ''

    @property
    def label(self) -> str:
        """Caption of the overlay."""
        return _FROZEN if self.moved else _LIVE


class Views:
    """All views so far; the executor's thread adds them.

    The arm hides the element and changes its state, so later overlays do not show the point at
    which the arm acted.

    Attributes:
        seen: a view for each image of the spectator.
    """

    def __init__(self) -> None:
        self.seen: list[FilmImages] = []
        self.clear()

    def clear(self) -> None:
        """Remove all views."""
        self.seen.clear()
        self._overlay: NDArray[np.uint8] | None = None
        self._parked: dict[str, float] | None = None
        self._moved = False
        self._step = ''

    def take_joints(self, message: JointState) -> None:
        """Detect motion of the arm."""
        positions = dict(zip(message.name, message.position, strict=True))
        if self._parked is None:
            self._parked = positions
        before = self._parked
        self._moved |= any(abs(positions[name] - before[name]) > _STILL for name in before)

    def take_spectator(self, message: Image) -> None:
        """Add an image of the spectator."""
        image = to_rgb(message)
        overlay = np.zeros_like(image) if self._overlay is None else self._overlay
        self.seen.append(FilmImages(image, overlay, self._moved, self._step))

    def take_overlay(self, message: Image) -> None:
        """Set the overlay of later images of the spectator, unless the arm has moved."""
        if not self._moved:
            self._overlay = to_rgb(message)

    def take_step(self, feedback: OperateElement.Feedback) -> None:
        """Set the step of later images."""
        looking_again = feedback.step == OperateElement.Feedback.LOOKING_AGAIN
        step = 'looking again' if looking_again else feedback.message
        self._step = f'attempt {feedback.attempt}: {step}'


def repeat_with_arm(
    folder: Path, processes: NodeProcesses, model: str
) -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
    """Let a simulated arm repeat a press, a pull and a turn, one after the other.

    Args:
        folder: folder for the logs and the node's store.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.

    Yields: description of each task and its result, and frames of the film, uint8 RGB [H, W, 3].

    Raises:
        NodeError: a node fails.
    """
    settings = ClosedLoopSettings()
    robot = {'image_rate': _IMAGE_RATE, 'real_time_factor': 3.0, 'depth_noise': settings.noise}
    views = Views()
    with RobotGraph(folder, processes, model, robot) as graph:
        for kind, topic, take in (
            (Image, 'spectator', views.take_spectator),
            (Image, 'overlay', views.take_overlay),
            (JointState, 'joint_states', views.take_joints),
        ):
            graph.driver.node.create_subscription(kind, topic, take, qos_profile_sensor_data)
        graph.driver.bring_up()
        for index, friction in _SCENES.items():
            yield _repeat(graph, settings, index, views, friction)


def _repeat(
    graph: RobotGraph, settings: ClosedLoopSettings, index: int, views: Views, friction: float
) -> tuple[str, list[NDArray[np.uint8]]]:
    trial = plan_trials(settings, index)[0]
    kind = trial.scene.fixture.elements[trial.task.element].kind
    title = f'{trial.task.action} the {kind}'
    with TrialScene(trial, settings) as scene:
        clip = scene.clip()
        show(graph, scene)
    graph.begin(scene=index, part_friction=friction)
    views.clear()
    attempt = repeat(graph, trial.task.action, 3, report=views.take_step)
    graph.forget([NAME])
    result = 'done' if attempt.done else f'not done: {attempt.verdict}'
    seen = list(views.seen)
    film = [
        _film_frame(clip[2 * frame % len(clip)], view, title, view.step)
        for frame, view in enumerate(seen)
    ]
    number = f'Attempt {attempt.attempts}'
    text = f'{number}: {attempt.said}. By the state of the simulator it is {result}.'
    last = seen[-1]
    short = f'{number}: {_SEEN[attempt.seen]}. By the simulator it is {result}.'
    film += [_film_frame(clip[-1], last, title, short)] * _STILLS
    return f'{title}\n  {text}', film


def _film_frame(
    clip: NDArray[np.uint8], view: FilmImages, title: str, text: str
) -> NDArray[np.uint8]:
    return robot_film_frame(clip, view.spectator, view.overlay, view.label, title, text)
