# SPDX-License-Identifier: Apache-2.0
"""Reader of version 0.1's demonstrations: frames at the model's size, without features.

They are encoded again when they are first selected.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.state import Record, Summary
from afformer_core.errors import DemonstrationError, ForeignFileError
from afformer_core.media.sampling import uniform_indices

_FORMAT = 1
_DAMAGE = (DemonstrationError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)


def read_record(path: Path) -> Record:
    """What is kept beside the frames.

    Raises:
        ForeignFileError: it is another's file, or of another format.
        DemonstrationError: the file is damaged.
        OSError: it cannot be read.
    """
    with _opened(path) as archive:
        kept, duration = len(_frames(archive)), float(archive['duration'])
        summary = Summary(path.stem, int(archive['frame_count']), kept, duration, 0.0, duration)
        return Record(summary, float(archive['created']), 0, kept - 1, fingerprint='')


def read_frames(path: Path, maximum: int) -> list[NDArray[np.uint8]]:
    """At most so many of its frames, evenly spaced: uint8 RGB [h, w, 3] each.

    Raises:
        DemonstrationError: the file is damaged or of another format.
        OSError: it cannot be read.
    """
    with _opened(path) as archive:
        frames = _frames(archive)
        return [frames[i] for i in uniform_indices(len(frames), maximum)]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with path.open('rb') as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                if 'format' not in archive or int(archive['format']) != _FORMAT:
                    known = archive.get('format', 'none')
                    raise ForeignFileError(f'format {known} is unknown, {_FORMAT} is read')
                yield archive
        except ForeignFileError as error:
            raise ForeignFileError(f'{path} is not read: {error}') from error
        except _DAMAGE as error:
            raise DemonstrationError(
                f'{path} is damaged: {error or type(error).__name__}'
            ) from error


def _frames(archive: Any) -> NDArray[np.uint8]:
    frames: NDArray[np.uint8] = archive['frames']
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
        raise ValueError(f'its frames are {frames.dtype} {frames.shape}, not uint8 [T, h, w, 3]')
    return frames
