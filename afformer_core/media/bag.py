# SPDX-License-Identifier: Apache-2.0
"""A reader of rosbags that does not need ROS."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from afformer_core.errors import AfformerError

_REPAIR = 'If its recorder was interrupted, `ros2 bag reindex` or `mcap recover` may repair it.'


class BagError(AfformerError):
    """A bag that is missing or damaged, or lacks a requested topic or message."""


@dataclass(frozen=True)
class BagMessage:
    """A stored message of a bag.

    Attributes:
        topic: name of the topic.
        type_name: type, such as `sensor_msgs/msg/Image`.
        time: time of recording, nanoseconds.
        data: serialized message (CDR).
    """

    topic: str
    type_name: str
    time: int
    data: bytes


@dataclass(frozen=True)
class BagExtract:
    """A part of a recording, in seconds from its first message; `end` None: to the last."""

    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ValueError(
                f'seconds are {self.start} to {self.end}; expected the first at least 0 and the '
                'second greater'
            )

    def nanoseconds(self, first: int, last: int) -> tuple[int, int]:
        """Return [start, stop) in nanoseconds for a recording from `first` to before `last`."""
        start = first + round(1e9 * self.start)
        return start, last if self.end is None else min(last, first + round(1e9 * self.end))


class Bag:
    """An open rosbag2: a folder (sqlite3 or mcap) or an mcap file, for use in a `with` statement.

    Args:
        path: the folder or file.

    Attributes:
        path: see the arguments.
        start: time of the first message, nanoseconds.
        end: time after the last message, nanoseconds.

    Raises:
        BagError: it is missing, not such a bag, damaged, or empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _damage(f'{path} cannot be read as a rosbag2', _REPAIR), ExitStack() as stack:
            _require_bag(path)
            reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
            self._reader = stack.enter_context(reader)
            self._counts = {
                _name(name): int(described.msgcount) for name, described in reader.topics.items()
            }
            self.start = int(reader.start_time)
            self.end = int(reader.end_time)
            if reader.message_count == 0:
                raise BagError(f'{path} contains 0 messages; expected at least 1')
            stack.pop_all()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    @property
    def topics(self) -> Mapping[str, str]:
        """Type name of each topic, by name."""
        return {connection.topic: connection.msgtype for connection in self._reader.connections}

    def count(self, topic: str) -> int:
        """Return the number of messages of a topic in the whole bag, according to its metadata."""
        return self._counts[topic]

    def messages(self, topics: Collection[str], start: int, stop: int) -> Iterator[BagMessage]:
        """Iterate over messages in the order of recording.

        Args:
            topics: topics to read.
            start: first time, nanoseconds; with `self.start` or less, messages from the beginning.
            stop: time after the last one, nanoseconds; with `self.end` or more, messages up to the
                end.

        Raises:
            BagError: while iterating: the file is damaged from this point; or, at the end, it has
                fewer messages than its metadata lists.
        """
        chosen = [
            connection for connection in self._reader.connections if connection.topic in topics
        ]
        if not chosen:
            return
        # A recorder whose clock was set back writes an end that precedes the last message.
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
            raise BagError(
                f'{self.path} is damaged or cut off: only {count} of its {expected} messages of '
                f'{", ".join(sorted(names))} can be read. {_REPAIR}'
            )

    def decode(self, message: BagMessage) -> Any:
        """Decode a message to an object with its fields.

        Raises:
            BagError: the bytes do not fit the type.
        """
        what = f'a message of {message.topic} in {self.path} is not a valid {message.type_name}'
        with _damage(what):
            return self._reader.deserialize(message.data, message.type_name)


def _require_bag(path: Path) -> None:
    """Check that a path looks like a rosbag2.

    Raises:
        BagError: it does not.
    """
    if path.suffix == '.bag':
        raise BagError(
            f'{path} is a ROS 1 bag; expected a rosbag2. Convert it with rosbags-convert'
        )
    if not path.exists():
        raise BagError(
            f'{path} does not exist; expected a bag. Give the folder of a rosbag2 or an mcap file'
        )
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        raise BagError(
            f'the folder {path} contains no metadata.yaml; expected one. Give the folder of a '
            'rosbag2'
        )


@contextmanager
def _damage(what: str, advice: str = '') -> Iterator[None]:
    """Convert errors inside to a `BagError`.

    Other errors of this package, such as those of a transfer, are unchanged.

    The errors of the reader, its database and its decompressors for invalid bytes are not
    documented, and change with their releases.
    """
    try:
        yield
    except AfformerError:
        raise
    except Exception as error:
        raise BagError(f'{what}: {_text(error)} {advice}'.rstrip()) from error


def _name(topic: object) -> str:
    if not isinstance(topic, str):
        raise TypeError(f'the name of a topic is {topic!r}; expected text')
    return topic


def _text(error: BaseException) -> str:
    return (' '.join(str(error).split()) or type(error).__name__).rstrip('.') + '.'
