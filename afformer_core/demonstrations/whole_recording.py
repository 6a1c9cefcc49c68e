# SPDX-License-Identifier: Apache-2.0
"""The recording of a demonstration whose frames are all available."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.even_frames import EvenFrames
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, RecordingSettings
from afformer_core.demonstrations.state import Recorded
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.images import Image, as_image
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import Demonstration


def select_evenly(frames: Sequence[Image], maximum_frames: int) -> MediaFrames:
    """Select evenly spaced frames of a sequence of images.

    Args:
        frames: images of one size, in order, at least one.
        maximum_frames: largest number of frames, at least 1.

    Raises:
        DemonstrationError: there is no frame.
        ImageError: a frame is not an image, or has another size than the first.
    """
    if not len(frames):
        raise DemonstrationError('the demonstration has 0 frames; expected at least 1')
    kept = EvenFrames(len(frames), maximum_frames, 0.0)
    for index, image in _of_one_size(frames, kept.indices):
        kept.take(index, image)
    return MediaFrames(tuple(kept.whole), len(frames), 0.0, tuple(kept.small), reader=kept.reader)


def _of_one_size(
    frames: Sequence[Image], indices: Sequence[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    size: tuple[int, ...] = ()
    for index in indices:
        try:
            image = as_image(frames[index])
        except ImageError as error:
            raise ImageError(f'frame {index} of the demonstration: {error}') from error
        size = size or image.shape
        if image.shape != size:
            raise ImageError(
                f'frame {index} of the demonstration has {image.shape[1]}x{image.shape[0]} '
                f'pixels; expected {size[1]}x{size[0]}, like the first'
            )
        yield index, image


def record_whole(
    media: MediaFrames,
    name: str,
    grounder: ArrayGrounder,
    store: DemonstrationStore | None,
    check: Callable[[], None] = lambda: None,
) -> Recorded:
    """Record a sequence of frames without trimming.

    Args:
        media: the frames, at least one.
        name, grounder, store: see `Recording`.
        check: called before each frame is encoded; an error that it raises drops the recording.

    Raises:
        DemonstrationError: there is no frame, or the name or a marked contact is not allowed.
        ImageError: a frame is not an image.
    """
    recording = Recording(name, grounder, store, RecordingSettings(trim=False), media.reader)
    recording.contact = media.contact
    try:
        for number, frame in enumerate(media.frames):
            check()
            recording.add_frame(frame, media.duration * number / max(1, len(media.frames) - 1))
        return recording.finish(media.frame_count, media.motion_frames)
    finally:
        recording.cancel()


def memorize_whole(media: MediaFrames, name: str, grounder: ArrayGrounder) -> Demonstration:
    """Memorize frames in a model, with the contact that is read from them.

    Args:
        media: the frames, at least one, with the contact if it is marked.
        name: name of the demonstration, not empty; one of the same name is replaced.
        grounder: the model.

    Raises:
        DemonstrationError: there is no frame, or the model does not support marks.
        ImageError: a frame is not an image.
    """
    recorded = record_whole(media, 'whole', grounder, None)
    return grounder.memorize(recorded.encoded, name, recorded.summary.frames)
