# SPDX-License-Identifier: Apache-2.0
"""Filling of the cache of clips before a training, by the processes of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from afformer_core.data.frame_cache import FrameCache, SampledClip
from afformer_core.errors import AfformerError
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.unreadable_media import UnreadableMedia

Clip = TypeVar('Clip')
Decode = Callable[[Any], Sequence[SampledClip]]


@dataclass(frozen=True)
class RequestedClip:
    """A clip that a cache should have.

    Attributes:
        keys: keys of its files in the cache.
        request: information for another process to decode it.
    """

    keys: tuple[str, ...]
    request: Any


def fill_frame_cache(
    folder: Path,
    clips: Sequence[Clip],
    ask: Callable[[Clip], RequestedClip],
    decode: Decode,
    engine: ParallelEngine,
) -> None:
    """Decode the clips that a cache lacks, and store them.

    Args:
        folder: folder of the cache, which only this process reads and writes.
        clips: all clips, taken one by one.
        ask: function from a clip to its keys and its request.
        decode: function from a request to the content of each file, in the order of the keys;
            other processes must be able to import it.
        engine: engine that decodes clips; each of its machines must have the videos.

    Raises:
        DatasetError: the folder cannot be written, a process was killed, or, after all others are
            stored, some clips cannot be read.
    """
    cache = FrameCache(folder)
    with tqdm(total=len(clips), desc='decoded', unit='clip') as bar:
        unreadable = UnreadableMedia(len(clips), 'clips')

        def missing() -> Iterator[RequestedClip]:
            for clip in clips:
                try:
                    asked = ask(clip)
                except (AfformerError, OSError) as error:
                    unreadable.add(str(error))
                    bar.update()
                    continue
                if all(cache.load(key) is not None for key in asked.keys):
                    bar.update()
                else:
                    yield asked

        for result in engine.sized(len(clips)).map(partial(_open, decode), missing()):
            if isinstance(result.error, AfformerError | OSError):
                unreadable.add(str(result.error))
            else:
                for key, clip in zip(result.part.keys, result.get(), strict=True):
                    cache.save(key, clip)
            bar.update()
    unreadable.require_none()


def _open(decode: Decode) -> Callable[[RequestedClip], Sequence[SampledClip]]:
    return partial(_decode, decode)


def _decode(decode: Decode, clip: RequestedClip) -> Sequence[SampledClip]:
    return decode(clip.request)
