# SPDX-License-Identifier: Apache-2.0
"""Demonstrations as MCAP files that ROS 2 tools can play: an atomic writer, and a checking reader.

A file has the topic `demonstration` of sensor_msgs/CompressedImage (JPEG), the metadata record
`afformer` and the attachment `encoded_frames.safetensors`.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.records import Message
from mcap.writer import CompressionType, Writer
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore
from safetensors import SafetensorError
from safetensors.numpy import load, save

from afformer_core.demonstrations.media import contact_pixel
from afformer_core.demonstrations.state import StoreEntry, validated_name
from afformer_core.errors import DemonstrationError, OtherFormatError
from afformer_core.media.images import encode_jpeg
from afformer_core.media.polygons import Point
from afformer_core.media.video_frames import uniform_indices
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures
from afformer_core.runtime.matching.matcher import ContactCandidate, ReadContact
from afformer_core.runtime.peaks import Peak

_TOPIC = 'demonstration'
_MESSAGE_TYPE = 'sensor_msgs/msg/CompressedImage'
_METADATA_NAME = 'afformer'
_ATTACHMENT_NAME = 'encoded_frames.safetensors'
# Prefix of the names of the matching network's stages in the attachment.
_STAGE_PREFIX = 'stage_'

_JPEG_QUALITY = 95
_CHUNK_BYTES = 1 << 20


@cache
def typestore() -> Any:
    """Return the standard message types, which are the same in every ROS 2 since Humble."""
    return get_typestore(Stores.ROS2_HUMBLE)


class DemonstrationWriter:
    """A writer of frames into a file that appears under its name when it is finished.

    Memory does not grow with the number of frames.

    Args:
        path: final path of the file.
        partial: path while it is written, in the same folder.

    Raises:
        DemonstrationError: the file cannot be created.
    """

    def __init__(self, path: Path, partial: Path) -> None:
        self._path = path
        self._partial = partial
        self._count = 0
        try:
            self._file = open(partial, 'wb')  # noqa: SIM115
        except OSError as error:
            raise self._failure(error) from error
        try:
            self._writer = Writer(
                self._file, chunk_size=_CHUNK_BYTES, compression=CompressionType.NONE
            )
            self._writer.start(profile='ros2', library='afformer')
            definition, _ = typestore().generate_msgdef(_MESSAGE_TYPE, ros_version=2)
            schema = self._writer.register_schema(_MESSAGE_TYPE, 'ros2msg', definition.encode())
            self._channel = self._writer.register_channel(_TOPIC, 'cdr', schema)
        except OSError as error:
            self.discard()
            raise self._failure(error) from error

    def add_frame(self, image: NDArray[np.uint8], stamp: float) -> None:
        """Append a frame.

        Args:
            image: uint8 RGB [H, W, 3].
            stamp: time in seconds, at least 0.

        Raises:
            DemonstrationError: writing fails; the file is removed.
        """
        nanoseconds = max(0, round(stamp * 1e9))
        data = np.frombuffer(encode_jpeg(image, _JPEG_QUALITY), np.uint8)
        self.add_message(_message(data, nanoseconds), nanoseconds)

    def add_message(self, message: bytes, nanoseconds: int) -> None:
        """Append a frame from another demonstration file, stamped with its time.

        Raises:
            DemonstrationError: writing fails; the file is removed.
        """
        try:
            self._writer.add_message(
                self._channel, nanoseconds, message, nanoseconds, self._count % (1 << 32)
            )
        except OSError as error:
            self.discard()
            raise self._failure(error) from error
        self._count += 1

    def finish(self, entry: StoreEntry, encoded: EncodedFrames) -> None:
        """Complete the file and move it to its path, replacing an earlier one.

        Raises:
            DemonstrationError: writing fails; the file is removed, and an earlier one is kept.
        """
        created = round(entry.created * 1e9)
        arrays: dict[str, NDArray[Any]] = {
            'images': encoded.images,
            'features': encoded.features.decoder,
            **{
                f'{_STAGE_PREFIX}{number}': stage
                for number, stage in enumerate(encoded.features.stages)
            },
        }
        if encoded.read_contact is not None:
            arrays['contact_map'] = encoded.read_contact.log_probabilities
            arrays['contact_candidates'] = np.array(encoded.read_contact.candidates)
        tensors = save(arrays)
        texts = {**entry.to_text(), 'encoded_frames_crc32': str(zlib.crc32(tensors))}
        try:
            self._writer.add_metadata(_METADATA_NAME, {**texts, 'crc32': _texts_crc32(texts)})
            self._writer.add_attachment(
                created, created, _ATTACHMENT_NAME, 'application/octet-stream', tensors
            )
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._partial, self._path)
            flush_folder(self._path.parent)
        except OSError as error:
            self.discard()
            raise self._failure(error) from error

    def discard(self) -> None:
        """Remove the partial file, if possible; a finished file is kept."""
        # the rest of the buffer is lost with the file in any case
        with suppress(OSError):
            self._file.close()
        # it remains on a disk that became read-only; the store removes it when it is opened again
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _failure(self, error: OSError) -> DemonstrationError:
        return DemonstrationError(f'it cannot be written to {self._path}: {error}')


def _texts_crc32(texts: Mapping[str, str]) -> str:
    """Compute the checksum of a metadata record, which the MCAP format does not protect."""
    return str(zlib.crc32(json.dumps(texts, sort_keys=True).encode()))


def flush_folder(folder: Path) -> None:
    """Make a rename durable, whose entry belongs to the folder and not to the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _message(data: NDArray[np.uint8], nanoseconds: int) -> bytes:
    types = typestore().types
    stamp = types['builtin_interfaces/msg/Time'](nanoseconds // 10**9, nanoseconds % 10**9)
    header = types['std_msgs/msg/Header'](stamp, '')
    message = types[_MESSAGE_TYPE](header, 'jpeg', data)
    return bytes(typestore().serialize_cdr(message, _MESSAGE_TYPE))


# Less than the size of both magics and the footer of an MCAP file, in bytes.
_LEAST_BYTES = 64
_DAMAGE = (
    DemonstrationError,
    KeyError,
    McapError,
    MemoryError,
    OverflowError,
    SafetensorError,
    TypeError,
    ValueError,
    cv2.error,
    struct.error,
)


@dataclass(frozen=True)
class UsedFrame:
    """The first or last used frame of a demonstration, as recorded.

    Attributes:
        name: name of the demonstration.
        image: uint8 RGB [H, W, 3].
        jpeg: the image as a JPEG file.
        nanoseconds: its time.
        mark: pixel (x, y) of the first frame at which its contact is marked; None: the model finds
            it.
        candidates: see `contact_candidates`; empty for a last frame, if the contact is marked, or
            if it was not read.
    """

    name: str
    image: NDArray[np.uint8]
    jpeg: bytes
    nanoseconds: int
    mark: Point | None
    candidates: tuple[Peak, ...] = ()

    def __str__(self) -> str:
        """Describe whether its contact is marked, or its candidates."""
        if self.mark is None:
            numbered = ', '.join(
                f'{number} at {peak.u:.0f},{peak.v:.0f} ({peak.score:.0%})'
                for number, peak in enumerate(self.candidates, 1)
            )
            found = f': candidate {numbered}' if numbered else ''
            return f'{self.name!r} has no mark; the model finds its contact{found}'
        x, y = self.mark
        return f'the contact of {self.name!r} is marked at {x:g},{y:g}'

    def candidate(self, number: int) -> Point:
        """Return a candidate's (x, y) by its number from 1, or raise a DemonstrationError."""
        if 1 <= number <= len(self.candidates):
            return self.candidates[number - 1].u, self.candidates[number - 1].v
        there_are = f'1 to {len(self.candidates)}' if self.candidates else f'none, because {self}'
        raise DemonstrationError(f'the candidate is {number}; expected {there_are}')


def read_entry(path: Path) -> StoreEntry:
    """Read the record of a demonstration, at the end of its file.

    The current name of a file counts, even if it was copied or renamed by hand.

    Raises:
        OtherFormatError: the MCAP file comes from another program, has another format, or cannot
            be read.
        DemonstrationError: the file is damaged or truncated.
    """
    with _opened(path) as file:
        return _entry(path, file)


def read_encoded_frames(path: Path) -> EncodedFrames:
    """Read the used frames, encoded when the demonstration was recorded.

    Raises:
        DemonstrationError: the file is damaged, or cannot be read.
    """
    with _opened(path) as file:
        expected = _texts(file)['encoded_frames_crc32']
        for attachment in _indexed(file).iter_attachments():
            if attachment.name == _ATTACHMENT_NAME:
                if str(zlib.crc32(attachment.data)) != expected:
                    raise ValueError('the checksum of the encoded frames is wrong')
                tensors = load(attachment.data)
                stages = tuple(
                    tensors[name] for name in sorted(tensors) if name.startswith(_STAGE_PREFIX)
                )
                return EncodedFrames(
                    tensors['images'],
                    FrameFeatures(tensors['features'], stages),
                    read_contact=_read_contact(tensors),
                )
        raise ValueError(f'it has no attachment {_ATTACHMENT_NAME}')


def read_frames(path: Path, maximum: int) -> list[NDArray[np.uint8]]:
    """Read evenly spaced frames of the part that is used: uint8 RGB [H, W, 3] each.

    Args:
        path: path of the file.
        maximum: largest number of frames.

    Raises:
        DemonstrationError: the file is damaged, or cannot be read.
    """
    with _opened(path) as file:
        entry = _entry(path, file)
        count = entry.last_frame - entry.first_frame + 1
        expected = {entry.first_frame + i for i in uniform_indices(count, maximum)}
        messages = enumerate(_messages(file))
        frames = [_image(message) for number, message in messages if number in expected]
        if len(frames) < len(expected):
            raise ValueError(f'it ends before frame {entry.last_frame}')
        return frames


def read_used_frame(path: Path, *, last: bool) -> UsedFrame:
    """Read the first or the last frame of the part that is used, and its mark.

    Raises:
        DemonstrationError: the file is damaged, or cannot be read.
    """
    with _opened(path) as file:
        entry = _entry(path, file)
        expected = entry.last_frame if last else entry.first_frame
        for number, message in enumerate(_messages(file)):
            if number == expected:
                image, contact = _image(message), entry.summary.marked_contact
                mark = None if contact is None else contact_pixel(contact, image)
                jpeg = _jpeg(message).tobytes()
                return UsedFrame(entry.summary.name, image, jpeg, message.log_time, mark)
        raise ValueError(f'it ends before frame {expected}')


def read_messages(path: Path) -> Iterator[tuple[bytes, int]]:
    """Read all frames, one at a time, as messages with their times in nanoseconds.

    Raises:
        DemonstrationError: the file is damaged, or cannot be read.
    """
    with _opened(path) as file:
        for message in _messages(file):
            yield message.data, message.log_time


def _read_contact(tensors: Mapping[str, NDArray[Any]]) -> ReadContact | None:
    if 'contact_map' not in tensors:
        return None
    candidates = tensors['contact_candidates'].tolist()
    return ReadContact(
        tensors['contact_map'], tuple(ContactCandidate(*candidate) for candidate in candidates)
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open('rb') as file:
            if path.stat().st_size < _LEAST_BYTES:
                raise ValueError('it is cut off')
            yield file
    except OSError as error:
        raise OtherFormatError(f'{path} cannot be read: {error}') from error
    except OtherFormatError as error:
        raise OtherFormatError(f'{path} cannot be used: {error}') from error
    except _DAMAGE as error:
        raise DemonstrationError(f'{path} is damaged: {error or type(error).__name__}') from error


def _entry(path: Path, file: IO[bytes]) -> StoreEntry:
    try:
        name = validated_name(path.stem)
    except DemonstrationError as error:
        raise OtherFormatError(f'{error}; rename it') from error
    entry = StoreEntry.from_text(_texts(file))
    return replace(entry, summary=replace(entry.summary, name=name))


def _texts(file: IO[bytes]) -> Mapping[str, str]:
    for metadata in _indexed(file).iter_metadata():
        if metadata.name == _METADATA_NAME:
            texts = dict(metadata.metadata)
            if texts.pop('crc32') != _texts_crc32(texts):
                raise ValueError(f'the checksum of its metadata record {_METADATA_NAME} is wrong')
            return texts
    raise OtherFormatError(f'it has no metadata record {_METADATA_NAME}')


def _indexed(file: IO[bytes]) -> SeekingReader:
    file.seek(0)
    return SeekingReader(file, validate_crcs=True)


def _messages(file: IO[bytes]) -> Iterator[Message]:
    """Yield the messages of a file in the order of the file."""
    file.seek(0)
    # A reader that seeks holds all chunks in memory before the first message.
    reader = NonSeekingReader(file, validate_crcs=True)
    return (message for _, _, message in reader.iter_messages(_TOPIC, log_time_order=False))


def _jpeg(message: Message) -> NDArray[np.uint8]:
    return np.asarray(typestore().deserialize_cdr(message.data, _MESSAGE_TYPE).data, np.uint8)


def _image(message: Message) -> NDArray[np.uint8]:
    image = cv2.imdecode(_jpeg(message), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f'frame {message.sequence} is not a JPEG image')
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
