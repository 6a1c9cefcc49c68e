# SPDX-License-Identifier: Apache-2.0
"""Cache of clips on disk: decoded, sampled and resized once for all epochs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from afformer_core.errors import DatasetError


@dataclass(frozen=True)
class SampledClip:
    """The selected frames of a clip, and the windows that they form.

    Attributes:
        frames: uint8 [N, H, W, 3] RGB, each once, in order.
        windows: for each window the indices of its frames, at least one.

    Raises:
        ValueError: a type or shape is wrong, or a window is empty or has unknown frames.
    """

    frames: np.ndarray
    windows: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        frames = self.frames
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(
                f'frames are {frames.dtype} of shape {frames.shape}; expected uint8 [N, H, W, 3]'
            )
        if not all(window and set(window) <= set(range(len(frames))) for window in self.windows):
            raise ValueError(
                f'a window is empty or has unknown frames; expected frames of 0 to '
                f'{len(frames) - 1}'
            )

    def images(self) -> list[np.ndarray]:
        """Return the frames of each window, uint8 [T, H, W, 3], which must not be modified."""
        return [self._images(window) for window in self.windows]

    def _images(self, window: Sequence[int]) -> np.ndarray:
        if list(window) == list(range(window[0], window[0] + len(window))):
            return self.frames[window[0] : window[0] + len(window)]
        return self.frames[list(window)]


class FrameCache:
    """Files of sampled clips in a folder, which any number of processes may share.

    A file is an uncompressed `.npy` of the frames, which any tool opens, followed by an array of
    bytes: JSON with the key and the windows. It receives its final name when it is complete. A
    truncated file, or a file of another key, counts as missing.

    Args:
        folder: folder of the files; created when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Return the path of a clip's file.

        Args:
            key: text that identifies the clip and how it was sampled and resized, of characters
                that file names may have.
        """
        return self.folder / f'{key}.npy'

    def load(self, key: str) -> SampledClip | None:
        """Memory-map the clip of a key; None if there is no valid file of it."""
        path = self.path(key)
        try:
            # Copy on write, because torch accepts only writable arrays and the file must not
            # change.
            mapped = np.lib.format.open_memmap(path, mode='c')
            with path.open('rb') as file:
                file.seek(mapped.offset + mapped.nbytes)
                note = json.loads(np.lib.format.read_array(file).tobytes())
            if note['key'] != key:
                return None
            return SampledClip(np.asarray(mapped), tuple(map(tuple, note['windows'])))
        except (FileNotFoundError, NotADirectoryError, KeyError, TypeError, ValueError):
            return None

    def save(self, key: str, clip: SampledClip) -> None:
        """Store a clip, replacing an earlier one under its key.

        Raises:
            DatasetError: the folder cannot be written, for example to a full disk; no part of the
                clip remains there.
        """
        note = json.dumps({'key': key, 'windows': clip.windows}).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(prefix=f'.{key}.', dir=self.folder)
            try:
                with os.fdopen(descriptor, 'wb') as file:
                    _write_array(file, clip.frames)
                    _write_array(file, np.frombuffer(note, np.uint8))
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(aside, 0o644)
                os.replace(aside, self.path(key))
            except BaseException:
                Path(aside).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise DatasetError(
                f'frames cannot be written to the cache folder {self.folder}: {error}. Free some '
                'space, or choose another folder'
            ) from error


def _write_array(file: IO[bytes], array: np.ndarray) -> None:
    array = np.ascontiguousarray(array)
    description = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(file, description)
    # `tofile` is not used, because its error does not report a full disk.
    file.write(array.data)
