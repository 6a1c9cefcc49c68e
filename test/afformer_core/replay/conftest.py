# SPDX-License-Identifier: Apache-2.0
"""A demonstration of the small RGB-D bag, and copies of the bag with other messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.media.bag import Bag, BagExtract
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.runtime import ArrayGrounder

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
