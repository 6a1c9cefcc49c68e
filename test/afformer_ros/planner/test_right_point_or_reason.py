# SPDX-License-Identifier: Apache-2.0
"""The planner sends the arm to the right point, or says why not, whatever it is told."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_ros.action import GroundDemonstration, OperateElement
from geometry_msgs.msg import Vector3

from afformer_core.geometry.transform import RigidTransform
from afformer_ros import client as grounding_client
from afformer_ros.client import NoAnswerError
from afformer_ros.planner.parameters import PlannerParameters
from test.waiting import PATIENCE, wait_until

from .operate_bench import BASE, NORMAL, POINT, OperateBench, drawn, operate_bench
from .stand_in_arm import time_message
from .stand_in_grounding import Answer, found, point_at, pose_message

CAMERA = 'camera_color_optical_frame'
Result = OperateElement.Result


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers) / np.linalg.norm(numbers)


def looking(position: np.ndarray, target: np.ndarray, roll: float) -> RigidTransform:
    """Pose of a camera at a position whose z axis points at a target."""
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, unit(math.sin(roll), 0.2, math.cos(roll)))
    right /= np.linalg.norm(right)
    return RigidTransform(np.stack([right, np.cross(ahead, right), ahead], axis=1), position)


# Of a camera that is not on the normal of the point.
POSE = looking(np.array([-0.13, -0.41, 0.87]), POINT + [0.05, 0.02, -0.04], 0.3)


def seen_from(pose: RigidTransform, point: np.ndarray) -> np.ndarray:
    return pose.rotation.T @ (point - pose.translation)


def in_camera(pose: RigidTransform = POSE, score: float = 0.83, **fields: Any) -> Any:
    """The point in the frame of a camera with a pose."""
    return point_at(seen_from(pose, POINT), pose.rotation.T @ NORMAL, score, **fields)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a bench of an answer, and parameters of the planner that are off their defaults."""
    monkeypatch.setattr('afformer_ros.planner.element_operator._APPEARING', 0.2)
    with ExitStack() as stack:

        def make(given: Answer, **fields: Any) -> OperateBench:
            fields = {'distance': 0.11, 'camera_frame': CAMERA, **fields}
            return stack.enter_context(operate_bench(given, lambda _: drawn(), **fields))

        yield make


def stamped(bench: Callable[[], OperateBench], point: Any, frame: str, **fields: Any) -> Answer:
    """An answer of an image that the camera took right before it."""
    return lambda _: found([point], frame, time_message(bench().arm.now), **fields)


def test_positions_of_the_camera_are_moved_by_its_pose(bench) -> None:
    made = bench(
        stamped(lambda: made, in_camera(), CAMERA),
        agreeing_images=4,
        timeout=2.75,
        maximum_image_age=1.4,
    )
    made.tell_pose(POSE, made.arm.now)
    made.assert_right()
    request = made.grounding.goals.requests[0]
    assert (request.target_frame, request.agreeing_images) == (CAMERA, 4)
    assert (request.timeout.sec, request.timeout.nanosec) == (2, 750_000_000)
    assert (request.maximum_age.sec, request.maximum_age.nanosec) == (1, 400_000_000)
    assert list(request.demonstrations) == ['shown']


def test_positions_of_the_base_are_not_moved(bench) -> None:
    made = bench(stamped(lambda: made, point_at(POINT, NORMAL), BASE), camera_frame='')
    made.tell_pose(POSE, made.arm.now)
    made.assert_right()
    assert made.grounding.goals.requests[0].target_frame == BASE


@pytest.mark.parametrize(
    ('frame', 'camera', 'base', 'reason'),
    [
        # As of a node that takes no notice of the frame of the goal.
        ('map', CAMERA, BASE, f"positions are in 'map'; expected {BASE} or {CAMERA}"),
        # The pose is that of the wrist, the image that of the head.
        (CAMERA, 'wrist_camera_optical_frame', BASE, f"positions are in '{CAMERA}'"),
        (CAMERA, CAMERA, 'world', 'there is no camera_pose'),
    ],
)
def test_positions_and_poses_of_other_frames_are_not_used(
    bench, frame: str, camera: str, base: str, reason: str
) -> None:
    made = bench(stamped(lambda: made, in_camera(), frame), camera_frame=camera)
    message = pose_message(POSE, time_message(made.arm.now), base)
    made.grounding.camera_pose.publish(message)
    assert reason in made.reason(Result.NOT_FOUND)


def test_a_node_that_is_set_to_a_third_frame_is_asked_for_the_camera(bench) -> None:
    def answer(request: Any) -> GroundDemonstration.Result:
        # An empty target_frame of a goal is that of the node.
        frame = request.target_frame or 'map'
        return found([in_camera()], frame, time_message(made.arm.now))

    made = bench(answer)
    made.tell_pose(POSE, made.arm.now)
    made.assert_right()


def test_a_camera_that_moves_is_not_acted_on_until_it_rests(bench) -> None:
    # Milliseconds of the image.
    taken = [60_900]
    made = bench(lambda _: found([in_camera()], CAMERA, time_message(taken[0] * 10**6)))
    elsewhere = RigidTransform(POSE.rotation, POSE.translation + [0.0, 0.002, 0.0])
    made.tell_pose(elsewhere, 59 * 10**9)
    made.tell_pose(POSE, 60 * 10**9)
    wait_until(lambda: made.planner.operator._transforms._newest == 60 * 10**9)
    assert 'is known 0.100 s after the image; expected a camera at rest' in made.reason(
        Result.NOT_FOUND
    )
    # At rest, it may publish the same pose again.
    made.tell_pose(POSE, 61 * 10**9)
    taken[0] = 61_100
    made.assert_right()


def test_an_image_before_the_first_pose_is_refused(bench) -> None:
    made = bench(lambda _: found([in_camera()], CAMERA, time_message(made.arm.now - 3 * 10**9)))
    made.tell_pose(POSE, made.arm.now)
    assert re.search(r'is known \d\.\d{3} s after the image', made.reason(Result.NOT_FOUND))


def test_a_point_without_a_normal_is_approached_as_it_says_wherever_the_camera_is(bench) -> None:
    x, y, z = ahead = unit(0.6, 0.3, -0.74)
    point = point_at(POINT, None, approach=Vector3(x=x, y=y, z=z))
    made = bench(stamped(lambda: made, point, BASE), camera_frame='')
    made.assert_right(-ahead)


def test_what_is_noise_is_no_next_best_point(bench) -> None:
    normal = POSE.rotation.T @ NORMAL
    points = [
        point_at(seen_from(POSE, np.array([1.9, 0.4, 0.3])), normal, 0.71),
        point_at(seen_from(POSE, POINT), normal, 0.04),
        point_at(seen_from(POSE, POINT), None, 0.05),
    ]
    made = bench(lambda _: found(points, CAMERA, time_message(made.arm.now)))
    made.tell_pose(POSE, made.arm.now)
    assert re.search(r'does not reach \[1\.9', made.reason(Result.UNREACHABLE))


def test_the_next_best_candidate_is_taken_where_the_best_is_out_of_reach(bench) -> None:
    points = [point_at(np.array([1.9, 0.4, 0.3]), NORMAL, 0.71), point_at(POINT, NORMAL, 0.12)]
    made = bench(lambda _: found(points, BASE), camera_frame='')
    made.assert_right()


NAN = math.nan
MARK = '. Mark the contact in the demonstration'


@pytest.mark.parametrize(
    ('fields', 'margin', 'outcome', 'reason'),
    [
        (
            {'presence': 0.36, 'threshold': 0.33},
            0.5,
            Result.UNSURE,
            'presence is 0.36, too close to its threshold of 0.33 to act; expected at least 0.67. '
            f'Check that the image shows the demonstrated part{MARK}',
        ),
        (
            {'presence': 0.52, 'threshold': 0.33},
            0.3,
            Result.UNSURE,
            'presence is 0.52, too close to its threshold of 0.33 to act; expected at least 0.53. '
            f'Check that the image shows the demonstrated part{MARK}',
        ),
        (
            {'presence': NAN},
            0.2,
            Result.NOT_FOUND,
            'presence is not known, because the model is not calibrated; expected a margin of 0.2 '
            'above its threshold. Calibrate the model, or set presence_margin to 0',
        ),
        (
            {'certainty': 0.41, 'certainty_threshold': 0.63},
            0.2,
            Result.UNSURE,
            f'not sure which part: certainty 0.41, threshold 0.63{MARK}',
        ),
        (
            {'action': 'unknown', 'action_threshold': 0.93},
            0.2,
            Result.NOT_FOUND,
            'the action is not known: touch has the best score, 0.77; expected at least 0.93. Set '
            'the parameter action to the demonstrated action',
        ),
    ],
)
def test_what_is_not_sure_is_not_acted_on(
    bench, fields: dict[str, Any], margin: float, outcome: int, reason: str
) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, **fields),
        camera_frame='',
        presence_margin=margin,
    )
    assert made.reason(outcome) == reason


@pytest.mark.parametrize(
    ('fields', 'margin'),
    [
        ({'presence': 0.68, 'threshold': 0.33}, 0.5),
        ({'presence': NAN}, 0.0),
        ({'certainty': 0.63, 'certainty_threshold': 0.63}, 0.2),
    ],
)
def test_what_is_sure_enough_is_acted_on(bench, fields: dict[str, Any], margin: float) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, **fields),
        camera_frame='',
        presence_margin=margin,
    )
    made.assert_right()


def test_the_action_that_a_parameter_gives_is_asked_for(bench) -> None:
    made = bench(
        lambda goal: found([point_at(POINT, NORMAL)], BASE, action=goal.action),
        camera_frame='',
        action='hold',
    )
    made.assert_right()
    assert {goal.action for goal in made.grounding.goals.requests} == {'hold'}


def test_an_action_that_the_arm_has_no_skill_for_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="action is 'press'; expected one of hold, touch, rotate"):
        PlannerParameters(action='press')


def test_a_slow_clock_gives_the_node_its_time(bench, monkeypatch) -> None:
    # The answer takes 0.4 s of its clock, and 2 s on the wall.
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.3)

    def answer(_: Any) -> GroundDemonstration.Result:
        end = made.arm.now + 400_000_000
        wait_until(lambda: made.arm.now >= end)
        made.arm.speed = 25.0
        return found([point_at(POINT, NORMAL)], BASE)

    made = bench(answer, speed=0.2, timeout=0.2, camera_frame='')
    made.assert_right()


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        (
            {'timeout': 0.1},
            'the grounding node /grounding did not answer ground_demonstration: 0.4 s have '
            'passed. It may still finish; look at its log',
        ),
        ({'accepting': 0.9}, '0.3 s have passed'),
    ],
    ids=['given up', 'accepted too late'],
)
def test_a_goal_that_takes_too_long_is_canceled(
    bench, monkeypatch, parameters: dict[str, float], reason: str
) -> None:
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.3)
    made = bench(lambda _: None, camera_frame='', **parameters)
    assert reason in made.reason(Result.NO_ANSWER)
    wait_until(lambda: made.grounding.goals.canceled == 1)


def test_a_planner_that_is_stopped_cancels_its_goal(bench) -> None:
    made = bench(lambda _: None, camera_frame='')
    threading.Timer(0.7, made.planner.close).start()
    assert 'the planner was stopped' in made.reason(Result.STOPPED)
    wait_until(lambda: made.grounding.goals.canceled == 1)


def test_a_video_that_takes_too_long_is_canceled(bench, monkeypatch) -> None:
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.2)
    monkeypatch.setattr(grounding_client, '_LOADING', 0.2)
    made = bench(lambda _: None, camera_frame='')
    with pytest.raises(NoAnswerError, match=r'did not answer load_demonstration: 0\.4 s'):
        made.planner.operator.grounding.load('press.mp4')
    wait_until(lambda: made.grounding.goals.canceled == 1)


def test_a_clock_that_stands_still_is_a_reason_of_its_own(bench) -> None:
    def answer(_: Any) -> None:
        made.arm.running = False

    made = bench(answer, clock_patience=0.6, camera_frame='')
    assert 'the clock of the planner has stood still for 0.6 s' in made.reason(Result.NO_ANSWER)
    wait_until(lambda: made.grounding.goals.canceled == 1)


@pytest.mark.parametrize(
    ('dry_run', 'said', 'status', 'complaint'),
    [
        (
            False,
            'touch at (0.520, 0.170, 0.430) m in panda_link0: nothing stopped',
            1,
            'the result is not as demonstrated',
        ),
        (True, 'would touch at (0.520, 0.170, 0.430) m in panda_link0\n', 0, ''),
    ],
)
def test_a_process_says_what_the_arm_felt_or_would_do(
    bench, dry_run: bool, said: str, status: int, complaint: str
) -> None:
    # A trajectory that comes 0.8 s late is taken for a stop.
    answer = lambda _: found([point_at(POINT, NORMAL)], BASE)  # noqa: E731
    made = bench(answer, speed=6.0, camera_frame='')
    made.arm.wall = None
    parameters = {'use_sim_time': True, 'camera_frame': '""', 'dry_run': str(dry_run).lower()}
    arguments = [f'{name}:={value}' for name, value in parameters.items()]
    done = subprocess.run(
        [sys.executable, '-m', 'afformer_ros.executables.planner', '--ros-args']
        + [word for one in arguments for word in ('-p', one)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.startswith(said), done.stderr
    assert done.returncode == status
    assert complaint in done.stderr
    assert bool(made.arm.messages) is not dry_run
