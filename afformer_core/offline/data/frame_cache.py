# SPDX-License-Identifier: Apache-2.0
"""Cache of clips on disk: decoded, sampled and resized once for all epochs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from afformer_core.errors import DatasetError
from afformer_core.files.atomic import write_aside


@dataclass(frozen=True)
class SampledClip:
    """The selected frames of a clip, and the windows that they form.

    Attributes:
        frames: uint8 [N, H, W, 3] RGB, each once, in order.
        windows: for each window the indices of its frames, at least one.
    """

    frames: np.ndarray
    windows: tuple[tuple[int, ...], ...]

    def images(self) -> list[np.ndarray]:
        """Return the frames of each window, uint8 [T, H, W, 3], which must not be modified."""
        return [
            self.frames[window[0] : window[-1] + 1]
            if window == tuple(range(window[0], window[-1] + 1))
            else self.frames[list(window)]
            for window in self.windows
        ]


class FrameCache:
    """Files of sampled clips in a folder, which any number of processes may share.

    A file is a `.safetensors` of the frames, with the key and the windows as metadata. It receives
    its final name when it is complete. A truncated file, or a file of another key, counts as
    missing.

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
        return self.folder / f'{key}.safetensors'

    def load(self, key: str) -> SampledClip | None:
        """Read the clip of a key; None if there is no valid file of it."""
        try:
            with safe_open(self.path(key), 'numpy') as file:
                note = file.metadata() or {}
                if note.get('key') != key:
                    return None
                windows = tuple(map(tuple, json.loads(note['windows'])))
                return SampledClip(file.get_tensor('frames'), windows)
        except (OSError, SafetensorError):
            return None

    def save(self, key: str, clip: SampledClip) -> None:
        """Store a clip, replacing an earlier one under its key.

        Raises:
            DatasetError: the folder cannot be written, for example to a full disk; no part of the
                clip remains there.
        """
        note = {'key': key, 'windows': json.dumps(clip.windows)}
        content = save({'frames': np.ascontiguousarray(clip.frames)}, note)
        try:
            write_aside(self.path(key), content)
        except OSError as error:
            raise DatasetError(
                f'frames cannot be written to the cache folder {self.folder}: {error}. Free some '
                'space, or choose another folder'
            ) from error
