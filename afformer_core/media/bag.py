# SPDX-License-Identifier: Apache-2.0
"""Reader of rosbags without ROS."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from afformer_core.errors import AfformerError

_REPAIR = 'If its recorder was interrupted, `ros2 bag reindex` or `mcap recover` may repair it.'


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
        with _damage(f'{path} cannot be read as a rosbag2', _REPAIR), ExitStack() as opened:
            _require_bag(path)
            reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
            self._reader = opened.enter_context(reader)
            self._counts = {
                _name(name): int(each.msgcount) for name, each in reader.topics.items()
            }
            self.start = int(reader.start_time)
            self.end = int(reader.end_time)
            if reader.message_count == 0:
                raise BagError(f'{path} holds no message')
            opened.pop_all()

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
        """Messages of a topic in the whole bag, as it says."""
        return self._counts[topic]

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
            start: nanoseconds, not before; from `self.start` on, all are given.
            stop: nanoseconds, before; up to `self.end`, all are given.

        Raises:
            BagError: while iterating: the file is damaged from here on, or, once all that can be
                read was given, it is damaged before: there are fewer messages than the bag says.
        """
        chosen = [
            connection
            for connection in self._reader.connections
            if topics is None or connection.topic in topics
        ]
        if not chosen:
            return
        # A recorder whose clock was set back tells an end before the last message.
        first = None if start <= self.start else start
        last = None if stop >= self.end else stop
        count = 0
        with _damage(f'{self.path} is damaged'):
            for connection, time, data in self._reader.messages(chosen, first, last):
                yield BagMessage(connection.topic, connection.msgtype, int(time), bytes(data))
                count += 1
        names = {connection.topic for connection in chosen}
        expected = sum(self._counts[name] for name in names)
        if first is None and last is None and count < expected:
            of = ' of ' + ', '.join(sorted(names)) if topics is not None else ''
            raise BagError(
                f'{self.path} is damaged or cut off: only {count} of its {expected} messages{of} '
                f'can be read. {_REPAIR}'
            )

    def decode(self, message: BagMessage) -> Any:
        """The message with its fields.

        Raises:
            BagError: its bytes do not fit its type.
        """
        what = f'a message of {message.topic} in {self.path} is not a sound {message.type_name}'
        with _damage(what):
            return self._reader.deserialize(message.data, message.type_name)


def _require_bag(path: Path) -> None:
    """Refuse what is no rosbag2 at first sight."""
    if path.suffix == '.bag':
        raise BagError(
            f'{path} is a ROS 1 bag; convert it with rosbags-convert and replay the result'
        )
    if not path.exists():
        raise BagError(f'there is no bag {path}; give the folder of a rosbag2 or an mcap file')
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        raise BagError(f'the folder {path} holds no metadata.yaml; give the folder of a rosbag2')


@contextmanager
def _damage(what: str, advice: str = '') -> Iterator[None]:
    """Whatever is raised inside becomes a `BagError`.

    Which errors the reader, its database and its decompressors raise for bytes that make no sense
    is not told anywhere, and changes with their releases.
    """
    try:
        yield
    except BagError:
        raise
    except Exception as error:
        raise BagError(f'{what}: {_text(error)} {advice}'.rstrip()) from error


def _name(topic: object) -> str:
    if not isinstance(topic, str):
        raise TypeError(f'{topic!r} is no name of a topic')
    return topic


def _text(error: BaseException) -> str:
    return (' '.join(str(error).split()) or type(error).__name__).rstrip('.') + '.'
