# SPDX-License-Identifier: Apache-2.0
"""Overlays in the film of the arm, before and after the arm moves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_ros.action import OperateElement
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from afformer_core.messages.image_encoding import image_message
from afformer_ros.demo import robot_film
from afformer_ros.demo.robot_film import FilmImages, Views, repeat_with_arm, robot_film_frame
from afformer_ros.driver.grounding_driver import NodeError
from afformer_ros.rclpy_messages import RclpyMessages

JOINTS = ['panda_joint1', 'panda_joint2', 'panda_finger_joint1']


def image(grey: int) -> Image:
    pixels = np.full((12, 16, 3), grey, np.uint8)
    return image_message(RclpyMessages(), pixels, 'rgb8', Header())


def joints(*positions: float) -> JointState:
    return JointState(name=JOINTS, position=positions)


def shown(views: Views) -> list[tuple[int, int, bool]]:
    """Grey of the spectator's image and of the overlay, and whether the arm has moved."""
    return [
        (int(one.spectator[0, 0, 0]), int(one.overlay[0, 0, 0]), one.moved) for one in views.seen
    ]


@pytest.fixture
def views() -> Views:
    made = Views()
    made.take_joints(joints(0.4, -1.1, 0.04))
    return made


def test_the_overlay_stays_that_of_before_the_arm_moved(views: Views) -> None:
    views.take_spectator(image(10))
    for overlay in (100, 110):
        views.take_overlay(image(overlay))
        # The arm trembles a little.
        views.take_joints(joints(0.41, -1.105, 0.04))
        views.take_spectator(image(20))
    views.take_joints(joints(0.4, -1.13, 0.04))
    views.take_overlay(image(120))
    views.take_spectator(image(30))
    # The arm is back.
    views.take_joints(joints(0.4, -1.1, 0.04))
    views.take_overlay(image(130))
    views.take_spectator(image(40))
    assert shown(views) == [
        (10, 0, False),
        (20, 100, False),
        (20, 110, False),
        (30, 110, True),
        (40, 110, True),
    ]
    assert views.seen[2].label == "grounded by the robot's camera"
    assert views.seen[3].label == 'grounded before the arm moved'


def test_each_image_names_the_step_of_the_planner(views: Views) -> None:
    views.take_spectator(image(10))
    for step, message in ((1, 'pull with more force'), (2, 'expecting a visible change')):
        views.take_step(OperateElement.Feedback(step=step, attempt=2, message=message))
        views.take_spectator(image(20))
    steps = [view.step for view in views.seen]
    assert steps == ['', 'attempt 2: pull with more force', 'attempt 2: looking again']
    views.clear()
    views.take_spectator(image(30))
    assert views.seen[0].step == ''


def test_the_next_demonstration_begins_where_the_arm_is_then(views: Views) -> None:
    views.take_overlay(image(100))
    views.take_joints(joints(0.9, -1.1, 0.04))
    views.clear()
    views.take_joints(joints(0.9, -1.1, 0.04))
    views.take_overlay(image(140))
    views.take_spectator(image(50))
    assert shown(views) == [(50, 140, False)]


def test_a_task_without_an_answer_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def repeated(graph: Any, settings: Any, index: int, *_: Any) -> tuple[str, list[Any]]:
        if index == 2:
            raise NodeError('timed out after 600 s')
        return f'task {index}', [index]

    node = SimpleNamespace(create_subscription=lambda *_: None)
    graph = SimpleNamespace(node=node, bring_up=lambda: None, close=lambda: None)
    monkeypatch.setattr(robot_film, 'RobotGraph', lambda *_: graph)
    monkeypatch.setattr(robot_film, '_repeat', repeated)
    processes: Any = SimpleNamespace(check=lambda: None)

    made = list(repeat_with_arm(tmp_path, processes, ''))

    late = ('scene 2 is not repeated: timed out after 600 s', [])
    assert made == [('task 0', [0]), late, ('task 16', [16])]


def test_a_frame_of_the_film_tells_what_its_overlay_is() -> None:
    clip, spectator, overlay = (np.full((240, 320, 3), grey, np.uint8) for grey in (60, 120, 180))
    first, second = (
        robot_film_frame(clip, FilmImages(spectator, overlay, moved), 'press', 'done')
        for moved in (False, True)
    )
    assert first.shape == second.shape
    assert first.shape[0] % 2 == first.shape[1] % 2 == 0
    rows, columns = np.nonzero((first != second).any(axis=2))
    # Above the overlay, which is on the right.
    assert columns.min() > 320
    assert 0 < np.ptp(rows) < 32
