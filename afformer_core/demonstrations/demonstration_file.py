# SPDX-License-Identifier: Apache-2.0
"""A reader of demonstration files that detects damage."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.records import Message
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from afformer_core.demonstrations.demonstration_writer import (
    ATTACHMENT_NAME,
    MESSAGE_TYPE,
    METADATA_NAME,
    STAGE_PREFIX,
    TOPIC,
    texts_crc32,
    typestore,
)
from afformer_core.demonstrations.media import contact_pixel
from afformer_core.demonstrations.state import StoreEntry
from afformer_core.errors import DemonstrationError, OtherFormatError
from afformer_core.media.polygons import Point
from afformer_core.media.video_frames import uniform_indices
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.features import FrameFeatures
from afformer_core.runtime.grounding import Peak
from afformer_core.runtime.matching.contact import ContactCandidate, ReadContact

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

    Raises:
        OtherFormatError: the MCAP file comes from another program, or has another format.
        DemonstrationError: the file is damaged or truncated.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        return StoreEntry.from_text(_texts(file))


def read_encoded_frames(path: Path) -> EncodedFrames:
    """Read the used frames, encoded when the demonstration was recorded.

    Raises:
        DemonstrationError: the file is damaged.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        expected = _texts(file)['encoded_frames_crc32']
        for attachment in _indexed(file).iter_attachments():
            if attachment.name == ATTACHMENT_NAME:
                if str(zlib.crc32(attachment.data)) != expected:
                    raise ValueError('the checksum of the encoded frames is wrong')
                tensors = load(attachment.data)
                stages = tuple(
                    tensors[name] for name in sorted(tensors) if name.startswith(STAGE_PREFIX)
                )
                return EncodedFrames(
                    tensors['images'],
                    FrameFeatures(tensors['features'], stages),
                    read_contact=_read_contact(tensors),
                )
        raise ValueError(f'it has no attachment {ATTACHMENT_NAME}')


def read_frames(path: Path, maximum: int) -> list[NDArray[np.uint8]]:
    """Read evenly spaced frames of the part that is used: uint8 RGB [H, W, 3] each.

    Args:
        path: path of the file.
        maximum: largest number of frames.

    Raises:
        DemonstrationError: the file is damaged.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        entry = StoreEntry.from_text(_texts(file))
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
        DemonstrationError: the file is damaged.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        entry = StoreEntry.from_text(_texts(file))
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
        DemonstrationError: the file is damaged.
        OSError: it cannot be read.
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
    with path.open('rb') as file:
        try:
            if path.stat().st_size < _LEAST_BYTES:
                raise ValueError('it is cut off')
            yield file
        except OtherFormatError as error:
            raise OtherFormatError(f'{path} cannot be used: {error}') from error
        except _DAMAGE as error:
            raise DemonstrationError(
                f'{path} is damaged: {error or type(error).__name__}'
            ) from error


def _texts(file: IO[bytes]) -> Mapping[str, str]:
    for metadata in _indexed(file).iter_metadata():
        if metadata.name == METADATA_NAME:
            texts = dict(metadata.metadata)
            if texts.pop('crc32') != texts_crc32(texts):
                raise ValueError(f'the checksum of its metadata record {METADATA_NAME} is wrong')
            return texts
    raise OtherFormatError(f'it has no metadata record {METADATA_NAME}')


def _indexed(file: IO[bytes]) -> SeekingReader:
    file.seek(0)
    return SeekingReader(file, validate_crcs=True)


def _messages(file: IO[bytes]) -> Iterator[Message]:
    """Yield the messages of a file in the order of the file."""
    file.seek(0)
    # A reader that seeks holds all chunks in memory before the first message.
    reader = NonSeekingReader(file, validate_crcs=True)
    return (message for _, _, message in reader.iter_messages(TOPIC, log_time_order=False))


def _jpeg(message: Message) -> NDArray[np.uint8]:
    return np.asarray(typestore().deserialize_cdr(message.data, MESSAGE_TYPE).data, np.uint8)


def _image(message: Message) -> NDArray[np.uint8]:
    image = cv2.imdecode(_jpeg(message), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f'frame {message.sequence} is not a JPEG image')
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
