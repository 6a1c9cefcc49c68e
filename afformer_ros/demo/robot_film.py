# SPDX-License-Identifier: Apache-2.0
"""Demonstrations that a simulated arm repeats in the demo, and the film of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.sim.closed_loop.settings import ClosedLoopSettings
from afformer_core.sim.closed_loop.trial_plan import plan_trials
from afformer_ros.demo.contact_sheet import Row, robot_film_frame
from afformer_ros.driver.node_processes import NodeProcesses
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_ros.robot_trials.trials import NAME, repeat, show

FILM_RATE = 4.0
# Images per second of the robot's time; the film runs at twice that.
_IMAGE_RATE = 2.0
# Scenes of the benchmark with held-out textures: a button, a drawer and a mug.
_SCENES = (0, 2, 6)
# Frames of the film that the result stays.
_STILLS = 8


@dataclass
class _Views:
    """What was seen so far; the executor's thread adds it.

    Attributes:
        shown: images of the spectator, each with the newest overlay.
        overlays: all overlays.
    """

    shown: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=list)
    overlays: list[NDArray[np.uint8]] = field(default_factory=list)

    def take_spectator(self, message: Image) -> None:
        """Add an image of the spectator."""
        image = to_rgb(message)
        self.shown.append((image, self.overlays[-1] if self.overlays else np.zeros_like(image)))

    def take_overlay(self, message: Image) -> None:
        """Show an overlay beside later images of the spectator."""
        self.overlays.append(to_rgb(message))

    def first(self) -> NDArray[np.uint8]:
        """Return the second overlay, on which the arm acts, or the only one."""
        return self.overlays[:2][-1]

    def clear(self) -> None:
        """Forget what was seen."""
        self.shown.clear()
        self.overlays.clear()


@dataclass(frozen=True)
class RobotScene:
    """One demonstration that the arm has repeated, or failed to.

    Attributes:
        text: what was to be done and what came of it, for people.
        row: row of the contact sheet.
        film: frames of the film, uint8 RGB [H, W, 3] each.
    """

    text: str
    row: Row
    film: list[NDArray[np.uint8]]


def repeat_with_arm(folder: Path, processes: NodeProcesses, model: str) -> Iterator[RobotScene]:
    """Let a simulated arm repeat a press, a pull and a pick up, one after the other.

    Args:
        folder: folder for the logs and the node's store.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.

    Raises:
        NodeError: a node fails.
        ArmError: the arm does not answer.
    """
    settings = ClosedLoopSettings()
    robot = {'image_rate': _IMAGE_RATE, 'real_time_factor': 3.0, 'depth_noise': settings.noise}
    views = _Views()
    with RobotGraph(folder, processes, model, robot) as graph:
        for topic, take in (('spectator', views.take_spectator), ('overlay', views.take_overlay)):
            graph.driver.node.create_subscription(Image, topic, take, qos_profile_sensor_data)
        graph.driver.bring_up()
        for index in _SCENES:
            yield _repeat(graph, settings, index, views)


def _repeat(
    graph: RobotGraph, settings: ClosedLoopSettings, index: int, views: _Views
) -> RobotScene:
    trial = plan_trials(settings, index)[0]
    kind = trial.scene.fixture.elements[trial.task.element].kind
    title = f'{trial.task.action} the {kind}'
    with TrialScene(trial, settings) as scene:
        clip = scene.clip()
        show(graph, scene)
    graph.begin(scene=index)
    views.clear()
    attempt = repeat(graph)
    graph.forget([NAME])
    result = 'done' if attempt.done else f'not done: {attempt.verdict}'
    shown = list(views.shown)
    film = [
        robot_film_frame(clip[2 * k % len(clip)], spectator, overlay, title, '')
        for k, (spectator, overlay) in enumerate(shown)
    ]
    text = f'{attempt.said}. By the state of the simulator it is {result}.'
    last, overlay = shown[-1]
    film += [robot_film_frame(clip[-1], last, overlay, title, text)] * _STILLS
    labels = ("grounded by the robot's camera", 'the arm afterwards')
    row = Row(title, text, list(clip), views.first(), last, None, labels)
    return RobotScene(f'{title}\n  {text}', row, film)
