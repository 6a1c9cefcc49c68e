# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 with the recording and the output of the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, ConnectionExtRosbag2
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys.store import Typestore

from afformer_core.media.bag import Bag, BagMessage
from afformer_core.outputs.outputs import OUTPUT_TYPES


class BagOutput:
    """A writer of a rosbag2 in mcap; use it in a `with` statement.

    The topics of `OUTPUT_TYPES` are in the root namespace. Topics of the recording with the same
    names are left out, because they come from the node during the recording. `left_out` lists
    topics whose type the bag does not define.

    Args:
        folder: folder of the bag; must not exist.
        recording: recording, whose topics are kept.
        typestore: has the types of `OUTPUT_TYPES`.
    """

    def __init__(self, folder: Path, recording: Bag, typestore: Typestore) -> None:
        self._typestore = typestore
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._inputs: dict[str, Any] = {}
        self.left_out: list[str] = []
        for connection in recording.connections:
            definition = recording.definition(connection.msgtype)
            if connection.topic.removeprefix('/') in OUTPUT_TYPES:
                continue
            if definition is None:
                self.left_out.append(connection.topic)
            else:
                self._inputs[connection.topic] = self._copied(connection, *definition)
        self._outputs = {
            topic: self._writer.add_connection(f'/{topic}', kind, typestore=typestore)
            for topic, kind in OUTPUT_TYPES.items()
        }

    def __enter__(self) -> BagOutput:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write_input(self, message: BagMessage) -> None:
        """Write a message of the recording unchanged."""
        connection = self._inputs.get(message.topic)
        if connection is not None:
            self._writer.write(connection, message.time, message.data)

    def write_output(self, topic: str, message: Any, time: int) -> None:
        """Write a message of `OUTPUT_TYPES` at a time in nanoseconds."""
        data = self._typestore.serialize_cdr(message, OUTPUT_TYPES[topic])
        self._writer.write(self._outputs[topic], time, data)

    def _copied(self, connection: Connection, definition: str, digest: str) -> Any:
        extension = connection.ext
        if not isinstance(extension, ConnectionExtRosbag2):
            raise TypeError(f'{connection.topic} is not a topic of a rosbag2')
        return self._writer.add_connection(
            connection.topic,
            connection.msgtype,
            msgdef=definition,
            rihs01=digest,
            serialization_format=extension.serialization_format,
            offered_qos_profiles=extension.offered_qos_profiles,
        )
