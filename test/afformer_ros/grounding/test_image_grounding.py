# SPDX-License-Identifier: Apache-2.0
"""The images of a bag through the node's worker and through the replay, without middleware."""

from __future__ import annotations

import csv
import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from afformer_ros.msg import Affordance
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.media.bag import Bag, BagExtract
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.topics import choose_topics
from afformer_core.runtime import ArrayGrounder
from afformer_core.stream.pipeline import GroundingPipeline, SpatialInputs
from afformer_ros.grounding.demonstrations.demonstration_topics import DemonstrationStatusPublisher
from afformer_ros.grounding.grounding_diagnostics import GroundingStatistics
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.image_grounding import ImageGrounding, available_output_types
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.rclpy_messages import RclpyMessages, message_class
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag

# Whatever the model says is found, and no image waits for its depth in vain.
PARAMETERS = GroundingParameters(
    minimum_presence=0.0, minimum_confidence=0.0, minimum_feature_similarity=-1.0, depth_wait=1.0
)


@pytest.fixture(scope='module')
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six RGB-D images of 160 x 120 of a simulated scene."""
    folder = tmp_path_factory.mktemp('rgbd') / 'recording'
    request = RgbdBagSettings(seed=7, size=(160, 120), seconds=0.2, demonstration_frames=4)
    list(write_rgbd_bag(folder, request))
    return folder / 'bag'


@pytest.fixture(scope='module')
def library(bag: Path, random_model: Path) -> DemonstrationLibrary:
    """With the demonstration of the bag."""
    library = DemonstrationLibrary(ArrayGrounder.load(random_model, 'torch', threads=1), None)
    with Bag(bag) as recording:
        messages = recording.messages(('/demonstration',), recording.start, recording.end)
        frames = [to_rgb(recording.decode(message)) for message in messages]
    library.add(MediaFrames(tuple(frames), len(frames), 1.0), 'press')
    return library


class CollectingPublisher:
    """Somebody listens, and takes every affordance."""

    has_subscribers = True

    def __init__(self) -> None:
        self.affordances: list[Any] = []
        self.published = threading.Semaphore(0)

    def publish(self, messages: OutputMessages) -> None:
        # As it arrives elsewhere: float32 of what has more digits here.
        sent = serialize_message(messages.create('affordance'))
        self.affordances.append(deserialize_message(sent, Affordance))
        self.published.release()


class NoGoals:
    """Nobody asks by the action."""

    goals = ()


@pytest.fixture
def node() -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context)
    remapped = ['--ros-args', '-r', 'image:=/camera/image']
    node = rclpy.create_node('grounding', context=context, cli_args=remapped)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def spatial() -> SpatialInputs:
    return SpatialInputs('/camera/depth', '/camera/camera_info')


def _live(
    node: Any,
    bag: Path,
    library: DemonstrationLibrary,
    spatial: SpatialInputs,
    parameters: GroundingParameters = PARAMETERS,
) -> list[Any]:
    """Affordances of the node, which gets the messages in the order of the recording."""
    publisher = CollectingPublisher()
    failures: list[Exception] = []
    worker: GroundingWorker[DemonstrationLibrary] = GroundingWorker(
        lambda owned: bool(owned.selected), failures.append, 1
    )
    grounding: Any = ImageGrounding(
        node,
        lambda: parameters,
        worker,
        GroundingPipeline(RclpyMessages(), spatial),
        publisher,  # type: ignore[arg-type]
        GroundingStatistics(10.0),
        DemonstrationStatusPublisher(node),
        NoGoals(),  # type: ignore[arg-type]
        threading.Lock(),
    )
    worker.start(lambda: library)
    worker.set_grounding(grounding=True)
    takers: dict[str, Callable[[Any], Any]] = {
        '/camera/image': grounding.take,
        '/camera/depth': lambda one: spatial.add_depth(stamp_nanoseconds(one.header.stamp), one),
        '/camera/camera_info': spatial.add_camera_info,
    }
    images = 0
    with AnyReader([bag]) as reader:
        connections = [one for one in reader.connections if one.topic in takers]
        for connection, _, data in reader.messages(connections):
            if connection.topic == '/camera/image':
                # The one before is not to be replaced.
                assert not images or publisher.published.acquire(timeout=20)
                images += 1
            kind = message_class(connection.msgtype)
            takers[connection.topic](deserialize_message(bytes(data), kind))
    assert publisher.published.acquire(timeout=20)
    assert worker.stop(20)
    assert failures == []
    assert len(publisher.affordances) == images
    return publisher.affordances


def _offline(bag: Path, library: DemonstrationLibrary, folder: Path) -> list[dict[str, str]]:
    """Lines of the table of the replay."""
    with Bag(bag) as recording:
        request = ReplayRequest(
            topics=choose_topics(recording.topics, None, None, None, None),
            demonstration=library.selected,
            window=BagExtract(),
            settings=PARAMETERS,
            annotations=None,
            calibration=None,
            facts={},
            depth_wait=PARAMETERS.depth_wait,
        )
        write_replay(recording, request, library.predict, folder, lambda done: None)
    with (folder / 'groundings.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def _numbers(affordance: Any) -> dict[str, float]:
    """Numbers of an affordance by their columns in the table; NaN is an empty field there."""
    best = affordance.points[0]
    return {
        'presence': affordance.presence,
        'continuity': affordance.continuity,
        'age': affordance.age,
        'u': best.u,
        'v': best.v,
        'score': best.score,
        **{axis: getattr(best.position, axis) for axis in 'xyz'},
        **{f'normal_{axis}': getattr(best.normal, axis) for axis in 'xyz'},
    }


def test_the_node_and_the_replay_give_the_same(
    node: Any, bag: Path, library: DemonstrationLibrary, spatial: SpatialInputs, tmp_path: Path
) -> None:
    live = _live(node, bag, library, spatial)
    offline = _offline(bag, library, tmp_path)

    assert len(live) == 6
    assert any(point.position_valid for one in live for point in one.points)
    for affordance, row in zip(live, offline, strict=True):
        assert stamp_nanoseconds(affordance.header.stamp) == int(row['stamp'])
        assert affordance.action == row['action']
        assert affordance.points[0].position_problem == row['problem']
        for name, number in _numbers(affordance).items():
            written = float(row[name] or 'nan')
            assert number == pytest.approx(written, rel=1e-5, abs=1e-6, nan_ok=True), name


def test_depth_that_comes_during_an_inference_displaces_none(
    node: Any,
    bag: Path,
    library: DemonstrationLibrary,
    spatial: SpatialInputs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predict, add_depth, added = library.predict, spatial.add_depth, []
    arrived = threading.Semaphore(0)

    def add(stamp: int, message: Any) -> None:
        add_depth(stamp, message)
        added.append((stamp, message))
        arrived.release()

    def predict_slowly(*arguments: Any, **named: Any) -> Any:
        assert arrived.acquire(timeout=20)
        stamp, message = added[-1]
        for step in range(1, 90):
            add_depth(stamp + 5_000_000 + 200_000 * step, message)
        return predict(*arguments, **named)

    usual = [one.points[0].position_valid for one in _live(node, bag, library, spatial)]
    monkeypatch.setattr(spatial, 'add_depth', add)
    monkeypatch.setattr(library, 'predict', predict_slowly)
    # The depth of an image is stamped 1 to 3 ms later.
    own_depth_only = replace(PARAMETERS, depth_tolerance=0.004)
    flooded = _live(node, bag, library, spatial, own_depth_only)
    assert any(usual)
    assert [one.points[0].position_valid for one in flooded] == usual


def test_detections_are_published_where_vision_msgs_is_installed(tmp_path, monkeypatch):
    (tmp_path / 'vision_msgs').mkdir()
    (tmp_path / 'vision_msgs' / '__init__.py').touch()
    monkeypatch.syspath_prepend(tmp_path)
    types = available_output_types()
    assert types['detections'] == 'vision_msgs/msg/Detection2DArray'
    assert types['mask'] == 'sensor_msgs/msg/Image'


@pytest.mark.skipif(
    importlib.util.find_spec('vision_msgs') is not None, reason='vision_msgs is installed'
)
def test_without_vision_msgs_there_are_no_detections():
    assert 'detections' not in available_output_types()


def test_a_goal_gives_its_own_presence_together_with_its_action() -> None:
    grounding: Any = object.__new__(ImageGrounding)
    grounding._read_parameters = lambda: replace(PARAMETERS, minimum_presence=0.31)
    criteria = SimpleNamespace(minimum_presence=0.62, action='rotate')
    settings = grounding._settings(SimpleNamespace(criteria=criteria))
    assert (settings.minimum_presence, settings.action) == (0.62, 'rotate')
