# SPDX-License-Identifier: Apache-2.0
"""The demonstrations and images of one page, and their groundings."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.polygons import Point
from afformer_core.media.video_frames import Part
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.demonstration import Demonstration
from afformer_core.studio.limits import (
    LimitedImage,
    Limits,
    read_limited_demonstration,
    read_limited_image,
)
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.timeline import TimelineFrame, timeline_of
from afformer_core.studio.uploads import PageUploads

_PEAKS = 5
# Minimum length of a video with parts, seconds.
_SHORTEST = 0.5
_numbers = itertools.count(1)


@dataclass(frozen=True)
class ShownDemonstration:
    """A demonstration that the model has memorized.

    Attributes:
        key: its unique name in the model.
        name: its display name.
        source: path of the video.
        duration: seconds between the first and the last frame of the source; 0 if it has no times.
        frame_count: number of frames of the part, or of its source.
        timeline: frames to show, in order.
        part: part of the source, (begin, end) in seconds; None: the whole source.
        contact: marked contact in its first frame: (x, y) as shares of width and height; None if
            the model finds it.
        likeliest: the most probable contacts that were read, in its first frame, in the same
            units, best first.
    """

    key: str
    name: str
    source: Path
    duration: float
    frame_count: int
    timeline: tuple[TimelineFrame, ...]
    part: Part | None = None
    contact: Point | None = None
    likeliest: tuple[Point, ...] = ()

    @property
    def has_parts(self) -> bool:
        """Whether a part can be chosen: it lasts at least half a second."""
        return self.duration >= _SHORTEST


@dataclass(frozen=True)
class ShownGrounding:
    """A grounding with its inputs.

    Attributes:
        image: the image.
        demonstrations: the demonstrations, at least one.
        grounding: the grounding, in pixels of the file.
        milliseconds: duration of the grounding.
        backend: name of the backend.
    """

    image: LimitedImage
    demonstrations: tuple[ShownDemonstration, ...]
    grounding: Grounding
    milliseconds: float
    backend: str

    @property
    def asked(self) -> ShownDemonstration | None:
        """Demonstration whose mark helps: the first one without, if the grounding is unsure."""
        unmarked = (shown for shown in self.demonstrations if shown.contact is None)
        return next(unmarked, None) if self.grounding.unsure else None


class Workspace:
    """The content of one page; `close` releases its demonstrations in the model.

    Args:
        worker: worker with the model.
        limits: maximum sizes of the input.

    Attributes:
        limits: the limits.
        uploads: files that were uploaded to the page.
        demonstrations, images: the demonstrations and images, in the order of addition.
    """

    def __init__(self, worker: ModelWorker, limits: Limits) -> None:
        self.limits = limits
        self.uploads = PageUploads()
        self.demonstrations: list[ShownDemonstration] = []
        self.images: list[LimitedImage] = []
        self._worker = worker
        self._awaited = 0
        self._closed = False

    async def add_demonstration(self, path: Path, name: str) -> ShownDemonstration:
        """Read and memorize a demonstration.

        Args:
            path: path of a video.
            name: its display name.

        Raises:
            DemonstrationError: the page has the maximum number of demonstrations.
            VideoError: it cannot be read, or exceeds a limit.
        """
        if len(self.demonstrations) + self._awaited >= self.limits.demonstrations:
            raise DemonstrationError(
                f'the page contains {self.limits.demonstrations} demonstrations. Remove one first'
            )
        self._awaited += 1
        try:
            shown = await self._memorized(path, name)
        finally:
            self._awaited -= 1
        self.demonstrations.append(shown)
        if self._closed:
            self.close()
        return shown

    async def add_image(self, path: Path, name: str) -> LimitedImage:
        """Read an image.

        Raises:
            ImageError: it cannot be read, exceeds a limit, or the page has the maximum number of
                images.
        """
        if len(self.images) >= self.limits.images:
            raise ImageError(f'the page contains {self.limits.images} images. Remove one first')
        shown = await asyncio.to_thread(read_limited_image, path, self.limits, name)
        self.images.append(shown)
        return shown

    async def memorize_again(
        self, shown: ShownDemonstration, part: Part | None, contact: Point | None
    ) -> ShownDemonstration | None:
        """Memorize a demonstration again with another part or mark.

        Args:
            shown: the demonstration, which is replaced.
            part: (begin, end) in seconds of a video; None: the whole video.
            contact: contact in the first frame, as shares of its width and height; None: the model
                finds it.

        Returns:
            the new one; None if the demonstration was removed in the meantime.

        Raises:
            DemonstrationError: the contact is marked, and the model has no matching network.
            VideoError: the video has no such part, or reading it exceeds a limit.
        """
        media, maximum, memorized = await self._memorize(shown, part, contact)
        if shown not in self.demonstrations:
            self._worker.submit(lambda grounder: grounder.delete_demonstration(shown.key))
            return None
        begin = 0.0 if part is None else part[0]
        again = replace(
            shown,
            part=part,
            contact=contact,
            likeliest=_likeliest(memorized),
            frame_count=media.frame_count,
            timeline=timeline_of(media, maximum, begin),
        )
        self.demonstrations[self.demonstrations.index(shown)] = again
        return again

    def remove_demonstration(self, shown: ShownDemonstration) -> None:
        """Remove a demonstration and its upload."""
        self.demonstrations.remove(shown)
        self.uploads.drop(shown.source)
        self._worker.submit(lambda grounder: grounder.delete_demonstration(shown.key))

    async def ground(
        self, image: LimitedImage, chosen: Sequence[ShownDemonstration]
    ) -> ShownGrounding:
        """Ground demonstrations of one skill together in an image.

        Args:
            image: the image.
            chosen: the demonstrations, at least one.
        """
        known = await self._worker.run(lambda grounder: grounder.demonstrations)
        for shown in chosen:
            if shown.key not in known:
                # Another model is in use since it was memorized.
                await self._memorize(shown, shown.part, shown.contact)
        return await self._worker.run(lambda grounder: _answer(grounder, image, tuple(chosen)))

    def close(self) -> None:
        """Remove everything, including demonstrations that are still being read."""
        self._closed = True
        for shown in list(self.demonstrations):
            self.remove_demonstration(shown)
        self.images.clear()
        self.uploads.close()

    async def _memorized(self, path: Path, name: str) -> ShownDemonstration:
        key = f'{next(_numbers)} {name}'
        media, maximum = await self._read(path, name)
        memorized = await self._worker.run(lambda grounder: memorize_whole(media, key, grounder))
        return ShownDemonstration(
            key,
            name,
            path,
            media.duration,
            media.frame_count,
            timeline_of(media, maximum),
            likeliest=_likeliest(memorized),
        )

    async def _memorize(
        self, shown: ShownDemonstration, part: Part | None, contact: Point | None
    ) -> tuple[MediaFrames, int, Demonstration]:
        """Memorize a demonstration again; also return its frames and how many are kept."""
        fragment = '' if part is None else f'#t={part[0]:.2f},{part[1]:.2f}'
        media, maximum = await self._read(Path(f'{shown.source}{fragment}'), shown.name)
        marked = replace(media, contact=contact)
        memorized = await self._worker.run(
            lambda grounder: memorize_whole(marked, shown.key, grounder)
        )
        return media, maximum, memorized

    async def _read(self, path: Path, name: str) -> tuple[MediaFrames, int]:
        """Read a demonstration; return it and the maximum number of kept frames."""
        maximum = await self._worker.run(lambda grounder: grounder.configuration.maximum_frames)
        media = await asyncio.to_thread(
            read_limited_demonstration, path, maximum, self.limits, name
        )
        return media, maximum


def _likeliest(demonstration: Demonstration) -> tuple[Point, ...]:
    """Return the most probable contacts, as shares of width and height of the first frame."""
    height, width = demonstration.frame_size
    return tuple(
        ((contact.u + 0.5) / width, (contact.v + 0.5) / height)
        for contact in demonstration.contacts
    )


def _answer(
    grounder: ArrayGrounder, image: LimitedImage, chosen: tuple[ShownDemonstration, ...]
) -> ShownGrounding:
    start = time.perf_counter()
    prediction = grounder.predict(image.image, *(shown.key for shown in chosen))
    width, height = image.size
    grounding = prediction.grounding((height, width), _PEAKS)
    milliseconds = 1e3 * (time.perf_counter() - start)
    return ShownGrounding(image, chosen, grounding, milliseconds, grounder.backend)
