# SPDX-License-Identifier: Apache-2.0
"""A demonstration of the small RGB-D bag, and copies of the bag with other messages."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.media.bag import Bag, BagExtract
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.topics import choose_topics
from afformer_core.runtime import ArrayGrounder
from afformer_core.stream.settings import PipelineSettings

Change = Callable[[str, int, Any], tuple[int, Any] | bytes | None]


@pytest.fixture(scope='session')
def demonstrations(rgbd: Path, shipped_model: Path) -> ReplayDemonstrations:
    """The one that the bag holds, by the shipped model."""
    grounder = ArrayGrounder.load(shipped_model, threads=1)
    assert grounder.calibrations.presence is not None
    demonstrations = ReplayDemonstrations(grounder, trim=False)
    with Bag(rgbd / 'bag') as bag:
        demonstrations.record(bag, '/demonstration', BagExtract())
    return demonstrations


@pytest.fixture
def copied(rgbd: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """Copies the bag with other messages.

    The change gets topic, time and message; it returns a time and a message, bytes to be
    written as they are, or None for no message.
    """

    def copy(change: Change) -> Path:
        folder = tmp_path / 'copied'
        with (
            AnyReader([rgbd / 'bag']) as reader,
            Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
        ):
            connections = {
                one.topic: writer.add_connection(
                    one.topic, one.msgtype, typestore=reader.typestore
                )
                for one in reader.connections
            }
            for one, time, data in reader.messages():
                changed = change(one.topic, time, reader.deserialize(data, one.msgtype))
                if isinstance(changed, bytes):
                    writer.write(connections[one.topic], time, changed)
                elif changed is not None:
                    data = reader.typestore.serialize_cdr(changed[1], one.msgtype)
                    writer.write(connections[one.topic], changed[0], data)
        return folder

    return copy


# Whatever the model says counts as found: the tests are of the replay.
SETTINGS = PipelineSettings(
    minimum_presence=0, minimum_confidence=0, minimum_feature_similarity=-1
)


@dataclass(frozen=True)
class Written:
    """A replay's folder, read."""

    folder: Path
    summary: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.folder / 'groundings.csv').open(newline='') as file:
            return list(csv.DictReader(file))


Replayer = Callable[..., Written]


@pytest.fixture(scope='session')
def replay(demonstrations: ReplayDemonstrations, rgbd: Path) -> Replayer:
    def replay(folder: Path, path: Path = rgbd / 'bag', **fields: Any) -> Written:
        folder.mkdir()
        with Bag(path) as bag:
            request = ReplayRequest(
                topics=fields.pop('topics', None)
                or choose_topics(bag.topics, None, None, None, None),
                demonstration=demonstrations.selected,
                window=fields.pop('window', BagExtract()),
                settings=fields.pop('settings', SETTINGS),
                annotations=fields.pop('annotations', None),
                calibration=demonstrations.grounder.calibrations.presence,
                facts={'bag': 'recording'},
                **fields,
            )
            done: list[int] = []
            summary = write_replay(bag, request, demonstrations.predict, folder, done.append)
        assert done[-1] == summary['images']
        return Written(folder, summary)

    return replay
