# SPDX-License-Identifier: Apache-2.0
"""Replays of bags whose camera moves: every position has the pose of its image.

The turns and the expected numbers are by hand, or by SciPy where one interpolates.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.media.bag import Bag, BagExtract
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.replay.annotations import BagAnnotations, ImageAnnotation
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.summary import ReplaySummary
from afformer_core.replay.topics import choose_topics
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.pipeline import PipelineSettings
from afformer_core.stream.settings import StreamSettings

# Unit quaternions (x, y, z, w).
A, B, C = (0.1, 0.5, 0.5, 0.7), (0.5, -0.1, 0.7, 0.5), (-0.3, 0.3, 0.1, 0.9)
D, E = (0.2, 0.4, -0.4, 0.8), (0.4, 0.2, -0.4, 0.8)
WRIST = [
    ('/tf', 10.0, 'wrist', 'base', (0.3, -0.2, 0.9), A),
    ('/tf', 11.0, 'wrist', 'base', (0.7, 0.2, 0.5), C),
]
CAMERA = ('/tf_static', 3.0, 'camera', 'wrist', (0.05, -0.02, 0.1), B)
# The element is at (0.16, -0.28, 0.8) in the frame of the camera.
AT_10 = [0.88992, 0.442464, 0.499952]
AT_11 = [1.657152, 0.26544, 0.519536]
SETTINGS = PipelineSettings(
    stream=StreamSettings(
        smoothing_time=0.0, hold_time=2.0, minimum_presence=-1.0, peak_tolerance=0.0
    ),
    depth_wait=0.2,
)
SEEN, COVERED = 100, 101


@dataclass
class Recording:
    """Messages of a bag, written when it is replayed."""

    folder: Path
    _messages: list[tuple[float, str, str, Any]] = field(default_factory=list)
    _typestore: Any = field(default_factory=affordance_typestore)

    def image(self, seconds: float, grey: int = SEEN, recorded: float | None = None) -> None:
        """An image of 64 x 64 of a wall 0.8 m ahead, with its depth and calibration."""
        header = self._header(seconds, 'camera')
        recorded = seconds if recorded is None else recorded
        info = self._create(
            'sensor_msgs/msg/CameraInfo', header=header, width=64, height=64,
            distortion_model='plumb_bob',
        )  # fmt: skip
        info.k = np.array([50.0, 0, 31.5, 0, 50.0, 31.5, 0, 0, 1])
        depth = np.full(64 * 64, 800, '<u2').view(np.uint8)
        image = np.full(64 * 64 * 3, grey, np.uint8)
        self._add(recorded, '/camera/camera_info', info)
        self._add(recorded, '/camera/depth', self._image(header, '16UC1', depth))
        self._add(recorded, '/camera/image', self._image(header, 'rgb8', image))

    def pose(
        self, topic: str, seconds: float, child: str, parent: str, shift: Any, turn: Any,
        recorded: float | None = None,
    ) -> None:  # fmt: skip
        """A transform on /tf or /tf_static."""
        one = self._create(
            'geometry_msgs/msg/TransformStamped',
            header=self._header(seconds, parent),
            child_frame_id=child,
        )
        moved, turned = one.transform.translation, one.transform.rotation
        moved.x, moved.y, moved.z = shift
        turned.x, turned.y, turned.z, turned.w = turn
        message = self._create('tf2_msgs/msg/TFMessage', transforms=[one])
        self._add(seconds if recorded is None else recorded, topic, message)

    def replay(self, target_frame: str = 'base', action: str = 'press', **fields: Any) -> Replayed:
        """Write the bag and replay it; what is 100 grey is found, and what is 101 is covered."""
        self._write()
        out = self.folder / 'out'
        out.mkdir()
        with Bag(self.folder / 'bag') as bag:
            request = ReplayRequest(
                topics=choose_topics(bag.topics, None, '', None, None),
                demonstration='press',
                window=fields.pop('window', BagExtract()),
                settings=SETTINGS,
                annotations=fields.pop('annotations', None),
                calibration=None,
                facts={},
                target_frame=target_frame,
                **fields,
            )
            predict = partial(_predict, action=action)
            summary = write_replay(bag, request, predict, out, lambda done: None)
        return Replayed(out, summary)

    def _write(self) -> None:
        path = self.folder / 'bag'
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            topics = {topic: kind for _, topic, kind, _ in self._messages}
            connections = {
                topic: writer.add_connection(topic, kind, typestore=self._typestore)
                for topic, kind in topics.items()
            }
            for recorded, topic, kind, message in sorted(self._messages, key=lambda one: one[0]):
                data = self._typestore.serialize_cdr(message, kind)
                writer.write(connections[topic], round(recorded * 1e9), data)

    def _add(self, recorded: float, topic: str, message: Any) -> None:
        self._messages.append((recorded, topic, message.__msgtype__, message))

    def _image(self, header: Any, encoding: str, data: Any) -> Any:
        return self._create(
            'sensor_msgs/msg/Image', header=header, encoding=encoding, width=64, height=64,
            step=data.size // 64, data=data,
        )  # fmt: skip

    def _header(self, seconds: float, frame: str) -> Any:
        whole, rest = divmod(round(seconds * 1e9), 10**9)
        stamp = self._create('builtin_interfaces/msg/Time', sec=whole, nanosec=rest)
        return self._create('std_msgs/msg/Header', stamp=stamp, frame_id=frame)

    def _create(self, kind: str, **fields: Any) -> Any:
        return RosbagsMessages(self._typestore).create(kind, **fields)


@dataclass(frozen=True)
class Replayed:
    """Folder of a replay."""

    folder: Path
    summary: ReplaySummary

    @property
    def affordances(self) -> list[Any]:
        return list(self._read('/affordance'))

    def _read(self, topic: str) -> Iterator[Any]:
        with Bag(self.folder / 'bag') as bag:
            for message in bag.messages((topic,), bag.start, bag.end):
                yield bag.decode(message)

    @property
    def positions(self) -> list[list[float]]:
        """Of the best points; NaN where there is none."""
        points = [one.points[0].position for one in self.affordances]
        return [[one.x, one.y, one.z] for one in points]

    @property
    def problems(self) -> list[str]:
        return [one.points[0].position_problem for one in self.affordances]


def _predict(image: Any, action: str) -> Prediction:
    rows, columns = np.mgrid[:64, :64]
    blob = np.exp(-((columns - 41.5) ** 2 + (rows - 14.0) ** 2) / 4.5)
    return Prediction(
        image,
        (blob / blob.sum()).astype(np.float32),
        {action: 0.75, 'hold': 0.25},
        0.9 if image[0, 0, 0] == SEEN else 0.1,
        np.array([1.0, 0.0], np.float32),
        0.01,
    )


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """A wrist that moves from 10 to 11 s; nothing else yet."""
    made = Recording(tmp_path)
    for topic, seconds, *pose in WRIST:
        made.pose(topic, seconds, *pose)
    topic, seconds, *pose = CAMERA
    # Latched, so that a recorder gets it when it begins.
    made.pose(topic, seconds, *pose, recorded=9.95)
    return made


def _stamps(affordances: list[Any]) -> list[float]:
    stamps = [one.position_stamp for one in affordances]
    return [one.sec + one.nanosec * 1e-9 for one in stamps]


def test_each_position_has_the_pose_of_its_image(recording):
    for seconds in (10.0, 10.9, 11.0):
        recording.image(seconds)
    replayed = recording.replay()
    assert replayed.problems == ['', '', '']
    assert [one.position_frame for one in replayed.affordances] == ['base'] * 3
    first, between, last = replayed.positions
    np.testing.assert_allclose(first, AT_10, atol=1e-4)
    np.testing.assert_allclose(last, AT_11, atol=1e-4)
    np.testing.assert_allclose(between, [1.611902557, 0.267970545, 0.484973796], atol=1e-4)


def test_a_chain_of_three_moving_and_static_frames(recording):
    recording.pose('/tf', 9.9, 'base', 'map', (1.0, 2.0, 0.1), D)
    recording.pose('/tf', 10.5, 'base', 'map', (1.6, 1.4, 0.1), E)
    recording.image(10.25, recorded=10.95)
    (position,) = recording.replay('map').positions
    np.testing.assert_allclose(position, [2.337771090, 0.983215019, -0.341916548], atol=1e-4)


def test_what_is_held_keeps_the_pose_of_its_image(recording):
    recording.image(10.0)
    recording.image(10.9, COVERED)
    recording.image(11.0, COVERED)
    replayed = recording.replay()
    assert [one.age for one in replayed.affordances] == pytest.approx([0.0, 0.9, 1.0])
    assert _stamps(replayed.affordances) == pytest.approx([10.0, 10.0, 10.0])
    for position in replayed.positions:
        np.testing.assert_allclose(position, AT_10, atol=1e-4)
    _, _, markers = replayed._read('/markers')
    stamps = {one.header.stamp.sec + one.header.stamp.nanosec * 1e-9 for one in markers.markers}
    assert stamps == {10.0}


def test_what_is_held_is_compared_with_the_annotation_of_its_image(recording):
    recording.image(10.0)
    recording.image(10.9, COVERED)
    annotations = BagAnnotations(
        ImageAnnotation.from_json({'stamp': stamp, 'position': position})
        for stamp, position in (
            (10_000_000_000, [0.16, -0.28, 0.803]),
            (10_900_000_000, [0.4, 0.1, 0.6]),
        )
    )
    replayed = recording.replay(annotations=annotations)
    with (replayed.folder / 'groundings.csv').open(newline='') as file:
        gaps = [float(row['peak_millimetres']) for row in csv.DictReader(file)]
    assert gaps == pytest.approx([3, 3], abs=0.05)


def test_a_turn_of_any_length_counts_as_on_a_robot(recording):
    recording.pose('/tf', 12.0, 'wrist', 'base', (0.7, 0.2, 0.5), tuple(3 * one for one in C))
    recording.image(12.0)
    np.testing.assert_allclose(recording.replay().positions[0], AT_11, atol=1e-4)


def test_a_transform_that_was_recorded_late_is_waited_for(recording):
    recording.image(11.2)
    recording.pose('/tf', 11.25, 'wrist', 'base', (0.3, -0.2, 0.9), A, recorded=11.39)
    replayed = recording.replay()
    assert replayed.problems == ['']
    np.testing.assert_allclose(
        replayed.positions[0], [1.088010762, 0.398463103, 0.431772269], atol=1e-4
    )


def test_a_transform_is_waited_for_no_longer_than_depth(recording):
    recording.image(11.2)
    recording.pose('/tf', 11.4, 'gripper', 'wrist', (0.3, -0.2, 0.9), A)
    recording.pose('/tf', 11.25, 'wrist', 'base', (0.3, -0.2, 0.9), A, recorded=11.41)
    assert recording.replay().problems[0].endswith('is 0.200 s older')


def test_where_no_transform_reaches_the_image_there_is_no_position(recording):
    recording.image(10.9)
    recording.image(11.2)
    recording.image(12.0)
    replayed = recording.replay()
    reason = "no transform from 'camera' to 'base': the newest one of 'wrist' is "
    assert replayed.problems == ['', f'{reason}0.200 s older', f'{reason}1.000 s older']
    assert np.isnan(replayed.positions[1:]).all()
    assert replayed.summary.positions == 1
    assert [problem.count for problem in replayed.summary.problems] == [2]


def test_transforms_before_the_clock_was_set_back_do_not_count(recording):
    recording.pose('/tf', 12.0, 'wrist', 'base', (0.7, 0.2, 0.5), C)
    recording.image(11.0, recorded=12.05)
    # Of the time after, no transform has come yet.
    recording.image(10.0, recorded=12.3)
    recording.pose('/tf', 10.1, 'wrist', 'base', (0.7, 0.2, 0.5), C, recorded=12.6)
    recording.image(10.1, recorded=12.7)
    replayed = recording.replay()
    np.testing.assert_allclose(replayed.positions[0], AT_11, atol=1e-4)
    assert replayed.problems[1].endswith("the oldest one of 'wrist' is 0.100 s newer")
    np.testing.assert_allclose(replayed.positions[2], AT_11, atol=1e-4)


def test_images_wait_in_vain_for_transforms_of_before_the_clock_was_set_back(recording):
    recording.image(11.1)
    recording.pose('/tf', 4.0, 'wrist', 'base', (0.7, 0.2, 0.5), C, recorded=11.2)
    recording.pose('/tf', 4.1, 'wrist', 'base', (0.7, 0.2, 0.5), C, recorded=11.31)
    recording.image(4.0, recorded=11.4)
    replayed = recording.replay()
    assert replayed.problems[0].endswith("the newest one of 'wrist' is 7.000 s older")
    np.testing.assert_allclose(replayed.positions[1], AT_11, atol=1e-4)


def test_a_part_of_a_bag_has_the_transforms_before_it(recording):
    recording.image(10.0)
    recording.image(10.9)
    replayed = recording.replay(window=BagExtract(start=0.5))
    assert _stamps(replayed.affordances) == pytest.approx([10.9])
    assert replayed.problems == ['']


def test_up_is_known_by_a_vertical_frame(recording):
    recording.image(10.0)
    recording.image(11.0)
    replayed = recording.replay('', 'pick up', vertical_frame='base')
    assert [one.position_frame for one in replayed.affordances] == ['camera', 'camera']
    motions = [one.points[0].motion for one in replayed.affordances]
    # Up is the last row of the rotation from the camera to the base.
    first, last = ([one.x, one.y, one.z] for one in motions)
    np.testing.assert_allclose(first, [0.768, 0.3456, -0.5392], atol=1e-9)
    np.testing.assert_allclose(last, [0.224, 0.9408, 0.2544], atol=1e-9)


def test_without_transforms_in_the_bag_there_is_no_position(tmp_path):
    recording = Recording(tmp_path)
    recording.image(10.0)
    (problem,) = recording.replay().problems
    assert problem == ("no transform from 'camera' to 'base': none was read on /tf or /tf_static")


def test_a_transform_that_is_none_is_left_out_and_told(recording):
    recording.pose('/tf', 10.5, 'wrist', 'base', (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))
    recording.image(11.0)
    replayed = recording.replay()
    np.testing.assert_allclose(replayed.positions[0], AT_11, atol=1e-4)
    (note,) = replayed.summary.notes
    assert note.startswith('a transform on /tf was left out: quaternion [0.0, 0.0, 0.0, 0.0] has')


def test_without_a_target_frame_positions_are_in_the_frame_of_the_camera(recording):
    recording.image(12.0)
    replayed = recording.replay('')
    assert [one.position_frame for one in replayed.affordances] == ['camera']
    np.testing.assert_allclose(replayed.positions[0], [0.16, -0.28, 0.8], atol=1e-4)
