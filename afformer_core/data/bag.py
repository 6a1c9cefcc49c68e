# SPDX-License-Identifier: Apache-2.0
"""Reading rosbags without ROS."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import Stores, TypesysError, get_typestore

from afformer_core.errors import AfformerError

# What the reader and its decompressors raise for bytes that make no sense.
_DAMAGE = (
    AnyReaderError, ReaderError, TypesysError, sqlite3.Error, struct.error,
    ValueError, KeyError, IndexError, AssertionError, EOFError, RuntimeError,
)  # fmt: skip


class BagError(AfformerError):
    """A bag is missing or damaged, or lacks what is asked of it."""


@dataclass(frozen=True)
class BagMessage:
    """A message as it lies in a bag.

    Attributes:
        topic: its name.
        type_name: such as `sensor_msgs/msg/Image`.
        time: at which it was recorded, nanoseconds.
        data: serialized (CDR).
    """

    topic: str
    type_name: str
    time: int
    data: bytes


class Bag:
    """A rosbag2: a folder (sqlite3 or mcap), or a bare mcap file; to be used with `with`.

    Args:
        path: of it.

    Raises:
        BagError: missing, not such a bag, damaged, or empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.suffix == '.bag':
            raise BagError(
                f'{path} is a ROS 1 bag; convert it with rosbags-convert and replay the result'
            )
        if not path.exists():
            raise BagError(f'there is no bag {path}; give the folder of a rosbag2 or an mcap file')
        if path.is_dir() and not (path / 'metadata.yaml').is_file():
            raise BagError(
                f'the folder {path} holds no metadata.yaml; give the folder of a rosbag2'
            )
        try:
            self._reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
            self._reader.open()
        except _DAMAGE as error:
            raise BagError(
                f'{path} cannot be read as a rosbag2: {_text(error)} If its recorder was '
                'interrupted, `ros2 bag reindex` or `mcap recover` may repair it.'
            ) from error
        if self._reader.message_count == 0:
            self.close()
            raise BagError(f'{path} holds no message')
        self.start = int(self._reader.start_time)
        self.end = int(self._reader.end_time)

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The topics as rosbags knows them, definitions and QoS included."""
        return tuple(self._reader.connections)

    @property
    def topics(self) -> Mapping[str, str]:
        """Type name of each topic, by name."""
        return {connection.topic: connection.msgtype for connection in self._reader.connections}

    def count(self, topic: str) -> int:
        """Messages of a topic in the whole bag."""
        return self._reader.topics[topic].msgcount

    def definition(self, type_name: str) -> tuple[str, str] | None:
        """The text of a type's definition and its RIHS01 hash; None where nobody knows it."""
        typestore = self._reader.typestore
        if type_name not in typestore.fielddefs:
            return None
        text, _ = typestore.generate_msgdef(type_name, ros_version=2)
        return text, typestore.hash_rihs01(type_name)

    def messages(
        self, topics: Collection[str] | None, start: int, stop: int
    ) -> Iterator[BagMessage]:
        """Messages in the order in which they were recorded.

        Args:
            topics: of these only; of all where it is None.
            start: nanoseconds, not before.
            stop: nanoseconds, before.

        Raises:
            BagError: while iterating: the file is damaged from here on.
        """
        chosen = [
            connection
            for connection in self._reader.connections
            if topics is None or connection.topic in topics
        ]
        if not chosen:
            return
        try:
            for connection, time, data in self._reader.messages(chosen, start, stop):
                yield BagMessage(connection.topic, connection.msgtype, int(time), bytes(data))
        except _DAMAGE as error:
            raise BagError(f'{self.path} is damaged: {_text(error)}') from error

    def decode(self, message: BagMessage) -> Any:
        """The message with its fields.

        Raises:
            BagError: its bytes do not fit its type.
        """
        try:
            return self._reader.deserialize(message.data, message.type_name)
        except _DAMAGE as error:
            raise BagError(
                f'a message of {message.topic} is not a sound {message.type_name}: {_text(error)}'
            ) from error


def _text(error: BaseException) -> str:
    return (' '.join(str(error).split()) or type(error).__name__).rstrip('.') + '.'
