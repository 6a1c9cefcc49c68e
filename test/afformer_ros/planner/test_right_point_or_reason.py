# SPDX-License-Identifier: Apache-2.0
"""The planner sends the arm to the right point, or says why not, whatever it is told."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_ros.action import GroundDemonstration
from rclpy.parameter import Parameter

from afformer_core.geometry.transform import RigidTransform
from afformer_ros import client as grounding_client
from afformer_ros.planner.answers import NoAnswerError, NoPositionError, NotFoundError
from afformer_ros.planner.contact import UnreachableError
from afformer_ros.planner.contacts import UncertainPartError
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.planner_node import PlannerNode, RepetitionReport

from .stand_in_arm import StandInArm, time_message
from .stand_in_grounding import Answer, StandInGrounding, found, point_at, pose_message

CAMERA = 'camera_color_optical_frame'
BASE = 'panda_link0'


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers) / np.linalg.norm(numbers)


def looking(position: np.ndarray, target: np.ndarray, roll: float) -> RigidTransform:
    """Pose of a camera at a position whose z axis points at a target."""
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, unit(math.sin(roll), 0.2, math.cos(roll)))
    right /= np.linalg.norm(right)
    return RigidTransform(np.stack([right, np.cross(ahead, right), ahead], axis=1), position)


# A point in the frame of the base, the surface there, and a camera that is not on its normal.
POINT = np.array([0.52, 0.17, 0.43])
NORMAL = unit(-0.82, -0.31, 0.24)
POSE = looking(np.array([-0.13, -0.41, 0.87]), POINT + [0.05, 0.02, -0.04], 0.3)


def seen_from(pose: RigidTransform, point: np.ndarray) -> np.ndarray:
    return pose.rotation.T @ (point - pose.translation)


def in_camera(pose: RigidTransform = POSE, score: float = 0.83, **fields: Any) -> Any:
    """The point in the frame of a camera with a pose."""
    return point_at(seen_from(pose, POINT), pose.rotation.T @ NORMAL, score, **fields)


@dataclass
class Bench:
    """A planner between a grounding node and an arm that stand in for the real ones."""

    arm: StandInArm
    grounding: StandInGrounding
    planner: PlannerNode
    finished: threading.Event

    def tell_pose(self, pose: RigidTransform, nanoseconds: int) -> None:
        self.grounding.camera_pose.publish(pose_message(pose, time_message(nanoseconds)))

    def repeat(self) -> RepetitionReport:
        return self.planner.repeat(['shown'])

    def reason(self, error: type[Exception]) -> str:
        """Why the planner does not act; no trajectory was sent."""
        with pytest.raises(error) as raised:
            self.repeat()
        assert self.arm.messages == []
        return str(raised.value)

    def assert_right(self, normal: np.ndarray = NORMAL) -> None:
        """Assert that the arm went to 11 cm before the point first, and then to its surface."""
        before, near = self.arm.targets()[:2]
        assert before == pytest.approx(POINT + 0.11 * normal, abs=3e-3)
        assert near == pytest.approx(POINT + 0.025 * normal, abs=3e-3)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a bench of an answer, and parameters of the planner that are off their defaults."""
    monkeypatch.setattr('afformer_ros.planner.planner_node._APPEARING', 0.2)
    with ExitStack() as stack:

        def make(
            answer: Answer, speed: float = 25.0, accepting: float = 0.0, **parameters: Any
        ) -> Bench:
            arm = StandInArm(speed=speed, wall=(POINT, NORMAL))
            grounding = StandInGrounding(arm.context, answer, accepting)
            finished = threading.Event()
            values = {'use_sim_time': True, 'distance': 0.11, **parameters}
            planner = PlannerNode(
                finished,
                context=arm.context,
                parameter_overrides=[Parameter(name, value=one) for name, one in values.items()],
            )
            arm.executor.add_node(planner)
            stack.enter_context(arm)
            stack.enter_context(grounding)
            return Bench(arm, grounding, planner, finished)

        yield make


def stamped(bench: Callable[[], Bench], point: Any, frame: str, **fields: Any) -> Answer:
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
    report = made.repeat()
    made.assert_right()
    assert report.done
    request = made.grounding.goals.requests[0]
    assert (request.target_frame, request.agreeing_images) == (CAMERA, 4)
    assert (request.timeout.sec, request.timeout.nanosec) == (2, 750_000_000)
    assert (request.maximum_age.sec, request.maximum_age.nanosec) == (1, 400_000_000)
    assert list(request.demonstrations) == ['shown']


def test_positions_of_the_base_are_not_moved(bench) -> None:
    made = bench(stamped(lambda: made, point_at(POINT, NORMAL), BASE), camera_frame='')
    made.tell_pose(POSE, made.arm.now)
    made.repeat()
    made.assert_right()
    assert made.grounding.goals.requests[0].target_frame == BASE


def test_positions_of_a_third_frame_are_refused(bench) -> None:
    # As of a node that takes no notice of the frame of the goal.
    made = bench(stamped(lambda: made, in_camera(), 'map'))
    made.tell_pose(POSE, made.arm.now)
    reason = made.reason(NoPositionError)
    assert reason.startswith(f"positions are in 'map'; expected {BASE} or {CAMERA}")


def test_a_node_that_is_set_to_a_third_frame_is_asked_for_the_camera(bench) -> None:
    def answer(request: Any) -> GroundDemonstration.Result:
        # An empty target_frame of a goal is that of the node.
        frame = request.target_frame or 'map'
        return found([in_camera()], frame, time_message(made.arm.now))

    made = bench(answer)
    made.tell_pose(POSE, made.arm.now)
    made.repeat()
    made.assert_right()


def test_the_pose_of_another_camera_is_not_used(bench) -> None:
    # The pose is that of the wrist, the image that of the head.
    made = bench(
        stamped(lambda: made, in_camera(), CAMERA), camera_frame='wrist_camera_optical_frame'
    )
    made.tell_pose(POSE, made.arm.now)
    assert f"positions are in '{CAMERA}'" in made.reason(NoPositionError)


def test_a_pose_in_another_frame_than_the_base_is_not_used(bench) -> None:
    made = bench(stamped(lambda: made, in_camera(), CAMERA))
    message = pose_message(POSE, time_message(made.arm.now), 'world')
    made.grounding.camera_pose.publish(message)
    assert 'there is no camera_pose' in made.reason(NoPositionError)


def moving(seconds: float) -> RigidTransform:
    """Pose of a camera that moves by 0.31 m and turns by 0.7 rad in a second."""
    return looking(
        np.array([-0.13 + 0.31 * seconds, -0.41, 0.87]),
        POINT + [0.05, 0.7 * seconds, -0.04],
        0.3,
    )


@pytest.fixture
def stream() -> Any:
    """Publishes the pose of a camera that moves while the clock runs, until the test ends."""
    ending = threading.Event()
    threads = []

    def start(made: Bench, last: float = math.inf) -> int:
        begin = made.arm.now

        def publish() -> None:
            while not ending.wait(0.004):
                now = made.arm.now
                if (now - begin) * 1e-9 < last:
                    made.tell_pose(moving((now - begin) * 1e-9), now)

        threads.append(threading.Thread(target=publish))
        threads[-1].start()
        return begin

    yield start
    ending.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize('camera_moves', [False, True])
def test_the_pose_of_a_moving_camera_is_that_of_its_image(
    bench, stream, camera_moves: bool
) -> None:
    begun: list[int] = []

    def answer(_: Any) -> GroundDemonstration.Result:
        # Between two poses; the camera has moved 20 cm on when the answer comes.
        stamp = made.arm.now + 7_000_000
        pose = moving((stamp - begun[0]) * 1e-9)
        while made.arm.now < stamp + 600_000_000:
            time.sleep(0.005)
        made.arm.speed = 25.0
        return found([in_camera(pose)], CAMERA, time_message(stamp))

    made = bench(answer, speed=3.0, camera_moves=camera_moves)
    begun.append(stream(made))
    made.repeat()
    made.assert_right()


def test_an_image_after_the_last_pose_of_a_moving_camera_is_refused(bench, stream) -> None:
    made = bench(stamped(lambda: made, in_camera(moving(0.8)), CAMERA), speed=3.0)
    begin = stream(made, last=0.8)
    wait_for(lambda: made.arm.now > begin + 1_300_000_000)
    assert re.search(r'the newest camera_pose is \d\.\d{3} s older', made.reason(NoPositionError))


def test_one_pose_is_not_enough_of_a_camera_that_is_said_to_move(bench) -> None:
    made = bench(stamped(lambda: made, in_camera(), CAMERA), camera_moves=True)
    made.tell_pose(POSE, made.arm.now)
    assert 'the newest camera_pose is' in made.reason(NoPositionError)


def test_an_image_before_the_first_pose_is_refused(bench) -> None:
    made = bench(
        lambda _: found([in_camera()], CAMERA, time_message(made.arm.now - 3 * 10**9)),
    )
    made.tell_pose(POSE, made.arm.now)
    assert 'older than the first camera_pose' in made.reason(NoPositionError)


def test_a_point_without_a_normal_is_approached_from_the_camera(bench) -> None:
    point = point_at(seen_from(POSE, POINT), None)
    made = bench(stamped(lambda: made, point, CAMERA))
    made.tell_pose(POSE, made.arm.now)
    made.repeat()
    towards = (POSE.translation - POINT) / np.linalg.norm(POSE.translation - POINT)
    made.assert_right(towards)


def test_without_a_normal_and_a_camera_nothing_is_done(bench) -> None:
    made = bench(stamped(lambda: made, point_at(POINT, None), BASE), camera_frame='')
    assert 'it has no normal, and the position of the camera' in made.reason(NoPositionError)


def test_what_is_noise_is_no_next_best_point(bench) -> None:
    normal = POSE.rotation.T @ NORMAL
    points = [
        point_at(seen_from(POSE, np.array([1.9, 0.4, 0.3])), normal, 0.71),
        point_at(seen_from(POSE, POINT), normal, 0.04),
        point_at(seen_from(POSE, POINT), None, 0.05),
    ]
    made = bench(lambda _: found(points, CAMERA, time_message(made.arm.now)))
    made.tell_pose(POSE, made.arm.now)
    assert re.search(r'does not reach \[1\.9', made.reason(UnreachableError))


def test_the_next_best_candidate_is_taken_where_the_best_is_out_of_reach(bench) -> None:
    points = [point_at(np.array([1.9, 0.4, 0.3]), NORMAL, 0.71), point_at(POINT, NORMAL, 0.12)]
    made = bench(lambda _: found(points, BASE), camera_frame='')
    made.repeat()
    made.assert_right()


@pytest.mark.parametrize(
    ('presence', 'margin', 'needed'),
    [(0.36, 0.5, '0.67'), (0.52, 0.3, '0.53')],
)
def test_a_look_alike_is_not_acted_on(bench, presence: float, margin: float, needed: str) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, presence=presence, threshold=0.33),
        camera_frame='',
        presence_margin=margin,
    )
    reason = made.reason(UncertainPartError)
    assert reason.startswith(f'presence is {presence}, too close to its threshold of 0.33')
    assert f'expected at least {needed}' in reason


def test_what_is_sure_enough_is_acted_on(bench) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, presence=0.68, threshold=0.33),
        camera_frame='',
    )
    made.repeat()
    made.assert_right()


def test_a_presence_that_is_not_known_is_not_acted_on(bench) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, presence=math.nan), camera_frame=''
    )
    assert 'the model is not calibrated' in made.reason(NotFoundError)


def answering(certainty: float, threshold: float) -> Answer:
    """An answer with one point of a certainty, and a presence that is high enough."""
    fields = {'certainty': certainty, 'certainty_threshold': threshold}
    return lambda _: found([point_at(POINT, NORMAL)], BASE, **fields)


def test_a_part_that_is_not_certain_is_not_acted_on(bench) -> None:
    made = bench(answering(0.41, 0.63), camera_frame='')
    assert made.reason(UncertainPartError) == (
        'not sure which part: certainty 0.41, threshold 0.63. Mark the contact in the '
        'demonstration'
    )


@pytest.mark.parametrize(
    ('certainty', 'threshold'),
    [(0.63, 0.63), (0.71, 0.63), (math.nan, 0.63), (0.07, math.nan)],
)
def test_a_part_that_is_certain_or_of_unknown_certainty_is_acted_on(
    bench, certainty: float, threshold: float
) -> None:
    made = bench(answering(certainty, threshold), camera_frame='')
    made.repeat()
    made.assert_right()


def test_an_action_that_is_not_known_is_not_acted_on(bench) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, action='unknown', action_threshold=0.93),
        camera_frame='',
    )
    assert made.reason(NotFoundError) == (
        'the action is not known: touch has the best score, 0.77; expected at least 0.93. Set the '
        'parameter action to the demonstrated action'
    )


def test_the_action_that_a_parameter_gives_is_asked_for(bench) -> None:
    made = bench(
        lambda goal: found([point_at(POINT, NORMAL)], BASE, action=goal.action),
        camera_frame='',
        action='hold',
    )
    made.repeat()
    made.assert_right()
    assert {goal.action for goal in made.grounding.goals.requests} == {'hold'}


def test_an_action_that_the_arm_has_no_skill_for_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="action is 'press'; expected one of touch, hold, push"):
        PlannerParameters(action='press')


def test_without_a_certainty_the_presence_decides_alone(bench) -> None:
    made = bench(
        lambda _: found([point_at(POINT, NORMAL)], BASE, presence=0.36, threshold=0.33),
        camera_frame='',
    )
    assert made.reason(NotFoundError).startswith('presence is 0.36')


def test_a_slow_clock_gives_the_node_its_time(bench, monkeypatch) -> None:
    # The answer takes 0.4 s of its clock, and 2 s on the wall.
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.3)

    def answer(_: Any) -> GroundDemonstration.Result:
        end = made.arm.now + 400_000_000
        while made.arm.now < end:
            time.sleep(0.01)
        made.arm.speed = 25.0
        return found([point_at(POINT, NORMAL)], BASE)

    made = bench(answer, speed=0.2, timeout=0.2, camera_frame='')
    made.repeat()
    made.assert_right()


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def test_a_goal_that_is_given_up_is_canceled(bench, monkeypatch) -> None:
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.3)
    made = bench(lambda _: None, timeout=0.1, camera_frame='')
    assert made.reason(NoAnswerError) == (
        'the grounding node /grounding did not answer ground_demonstration: 0.4 s have passed. It '
        'may still finish; look at its log'
    )
    wait_for(lambda: made.grounding.goals.canceled == 1)


def test_a_goal_that_is_accepted_too_late_is_canceled(bench, monkeypatch) -> None:
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.3)
    made = bench(lambda _: None, accepting=0.9, camera_frame='')
    assert '0.3 s have passed' in made.reason(NoAnswerError)
    assert made.grounding.goals.canceled == 0
    wait_for(lambda: made.grounding.goals.canceled == 1)


def test_a_planner_that_is_stopped_cancels_its_goal(bench) -> None:
    made = bench(lambda _: None, camera_frame='')
    threading.Timer(0.7, made.planner.close).start()
    assert 'the planner was stopped' in made.reason(NoAnswerError)
    wait_for(lambda: made.grounding.goals.canceled == 1)


def test_a_video_that_takes_too_long_is_canceled(bench, monkeypatch) -> None:
    monkeypatch.setattr(grounding_client, '_PATIENCE', 0.2)
    monkeypatch.setattr(grounding_client, '_LOADING', 0.2)
    made = bench(lambda _: None, camera_frame='')
    with pytest.raises(NoAnswerError, match=r'did not answer load_demonstration: 0\.4 s'):
        made.planner.load('press.mp4')
    wait_for(lambda: made.grounding.goals.canceled == 1)


def test_a_clock_that_stands_still_is_a_reason_of_its_own(bench) -> None:
    def answer(_: Any) -> None:
        made.arm.running = False

    made = bench(answer, clock_patience=0.6, camera_frame='')
    assert 'the clock of the planner has stood still for 0.6 s' in made.reason(NoAnswerError)
    wait_for(lambda: made.grounding.goals.canceled == 1)


def test_an_arm_that_feels_nothing_is_no_success_of_the_process(bench) -> None:
    made = bench(lambda _: found([point_at(POINT, NORMAL)], BASE), camera_frame='')
    made.arm.wall = None
    parameters = {'use_sim_time': True, 'camera_frame': '""'}
    arguments = [f'{name}:={value}' for name, value in parameters.items()]
    done = subprocess.run(
        [sys.executable, '-m', 'afformer_ros.executables.planner', '--ros-args']
        + [word for one in arguments for word in ('-p', one)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 'nothing stopped the tip; the camera sees it 0.0 cm from' in done.stdout
    assert done.returncode == 1
    assert 'the arm did not feel the effect of the action' in done.stderr
