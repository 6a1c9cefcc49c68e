# SPDX-License-Identifier: Apache-2.0
"""An atomic writer of demonstrations as MCAP files that ROS 2 tools can play."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import CompressionType, Writer
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore
from safetensors.numpy import save

from afformer_core.demonstrations.state import StoreEntry
from afformer_core.errors import DemonstrationError
from afformer_core.media.images import encode_jpeg
from afformer_core.runtime.demonstration import EncodedFrames

TOPIC = 'demonstration'
MESSAGE_TYPE = 'sensor_msgs/msg/CompressedImage'
METADATA_NAME = 'afformer'
ATTACHMENT_NAME = 'encoded_frames.safetensors'
STAGE_PREFIX = 'stage_'
"""Prefix of the names of the matching network's stages in the attachment."""

_JPEG_QUALITY = 95
_CHUNK_BYTES = 1 << 20


@cache
def typestore() -> Any:
    """Return the standard message types, which are the same in every ROS 2 since Humble."""
    return get_typestore(Stores.ROS2_HUMBLE)


class DemonstrationWriter:
    """A writer of frames into a file that appears under its name when it is finished.

    The file has the topic `demonstration` of sensor_msgs/CompressedImage (JPEG), the metadata
    record `afformer` and the attachment `encoded_frames.safetensors`. Memory does not grow with
    the number of frames.

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
            definition, _ = typestore().generate_msgdef(MESSAGE_TYPE, ros_version=2)
            schema = self._writer.register_schema(MESSAGE_TYPE, 'ros2msg', definition.encode())
            self._channel = self._writer.register_channel(TOPIC, 'cdr', schema)
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
                f'{STAGE_PREFIX}{number}': stage
                for number, stage in enumerate(encoded.features.stages)
            },
        }
        if encoded.read_contact is not None:
            arrays['contact_map'] = encoded.read_contact.log_probabilities
            arrays['contact_candidates'] = np.array(encoded.read_contact.candidates)
        tensors = save(arrays)
        texts = {**entry.to_text(), 'encoded_frames_crc32': str(zlib.crc32(tensors))}
        try:
            self._writer.add_metadata(METADATA_NAME, {**texts, 'crc32': texts_crc32(texts)})
            self._writer.add_attachment(
                created, created, ATTACHMENT_NAME, 'application/octet-stream', tensors
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


def texts_crc32(texts: Mapping[str, str]) -> str:
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
    message = types[MESSAGE_TYPE](header, 'jpeg', data)
    return bytes(typestore().serialize_cdr(message, MESSAGE_TYPE))
