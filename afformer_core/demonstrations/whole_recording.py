# SPDX-License-Identifier: Apache-2.0
"""Recording of a demonstration whose frames are at hand already."""

from __future__ import annotations

from collections.abc import Callable

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import Recording, RecordingSettings
from afformer_core.demonstrations.state import Recorded
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.grounding import Demonstration


def record_whole(
    media: MediaFrames,
    name: str,
    grounder: ArrayGrounder,
    store: DemonstrationStore | None,
    check: Callable[[], None] = lambda: None,
) -> Recorded:
    """Record frames that are at hand already, without trimming.

    Args:
        media: the frames, at least one.
        name, grounder, store: see `Recording`.
        check: called before each frame is encoded; what it raises drops the recording.

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
    """Let a model memorize frames that are at hand already, and the contact read of them.

    Args:
        media: the frames, at least one, with the contact where it is marked.
        name: name of the demonstration, not empty; one of the same name is replaced.
        grounder: the model.

    Raises:
        DemonstrationError: there is no frame, or the model takes no mark.
        ImageError: a frame is not an image.
    """
    recorded = record_whole(media, 'whole', grounder, None)
    return grounder.memorize(recorded.encoded, name, recorded.summary.frames)
