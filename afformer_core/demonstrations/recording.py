# SPDX-License-Identifier: Apache-2.0
"""The recording of one demonstration: of frames as they arrive, or of those of a file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.candidates import ContactReading
from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    RATE,
    DemonstrationReader,
)
from afformer_core.demonstrations.demonstration_file import DemonstrationWriter
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.rotation_estimate import shown_rotation
from afformer_core.demonstrations.selection import validated_name
from afformer_core.demonstrations.state import Recorded, StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.demonstrations.trimming import RecordedFrame, Trimmer, UsedPart
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import Demonstration, EncodedFrames, ShownRotation
from afformer_core.runtime.matching.matcher import ReadContact, on_grid

# Frames may later turn out to belong to the part; meanwhile they are encoded one at a time.
_ENCODED_PER_FRAME = 2
# Seconds. A larger step comes from a clock that was set, or from a frame without a stamp.
_CLOCK_BACK = 1.0
_CLOCK_AHEAD = 3600.0
# What may happen to missing frames, in the order in which they are told.
_LOSSES = ('were lost on the way', 'were dropped', 'could not be read')
# Seconds to keep before and after the active part.
_MARGIN = 0.5
# Rows and columns of a contact map.
_GRID = (48, 48)


class Recording:
    """A demonstration while its frames arrive.

    Frames are written as they arrive. If writing fails, the recording continues without a file.
    Memory is bounded.

    Args:
        name: see `validated_name`.
        grounder: model that encodes the frames.
        store: store of the file; None: the demonstration is kept in memory only.
        trim: whether to trim it to the part in which hands are visible or, if none are, something
            moves.
        reader: reader that has already observed the frames; None: the recording observes added
            frames.

    Attributes:
        name: see the arguments.
        frames: number of frames so far.
        losses: numbers of missing frames by what happened to them, such as 'were dropped'.
        duration: seconds from the first to the last frame.
        problem: known reason why it will not be on disk, or ''.
        contact: see `EncodedFrames.contact`; set it before `finish`.

    Raises:
        DemonstrationError: the name is not allowed.
        HandModelError: the shipped hand networks are missing or damaged.
    """

    def __init__(
        self,
        name: str,
        grounder: ArrayGrounder,
        store: DemonstrationStore | None,
        reader: DemonstrationReader | None = None,
        *,
        trim: bool = True,
    ) -> None:
        self.name = validated_name(name)
        self.frames = 0
        self.losses = Counter(
            {'were lost on the way': 0, 'were dropped': 0, 'could not be read': 0}
        )
        self.duration = 0.0
        self._grounder = grounder
        maximum = grounder.configuration.maximum_frames
        self._reader = DemonstrationReader() if reader is None else reader
        self._observes = reader is None and (trim or grounder.matching is not None)
        self._trimmer = Trimmer(self._reader if trim else None, maximum, _MARGIN)
        self._first_stamp = self._last_stamp = 0.0
        self.problem = ''
        self.contact: Point | None = None
        self._writer: DemonstrationWriter | None = None
        try:
            self._writer = None if store is None else store.begin(name)
        except DemonstrationError as error:
            self.problem = str(error)

    @property
    def frames_kept(self) -> int:
        """Number of frames of the recording so far that the model would use."""
        maximum = self._grounder.configuration.maximum_frames
        return min(len(self._trimmer.certain_frames()), maximum)

    @property
    def hands_seen(self) -> int:
        """Number of frames in which a hand was detected."""
        return self._trimmer.hands_seen

    @property
    def frames_lost(self) -> int:
        """Number of missing frames."""
        return self.losses.total()

    def losses_told(self) -> list[str]:
        """Describe the missing frames as text; empty if there are none."""
        if not self.frames_lost:
            return []
        missing = f'{self.frames_lost} of {self.frames + self.frames_lost} frames are missing'
        return [
            missing,
            *(f'{count} frames {what}' for what, count in self.losses.items() if count),
        ]

    def add_frame(self, image: NDArray[np.uint8], stamp: float) -> None:
        """Add a frame.

        Args:
            image: uint8 RGB [H, W, 3].
            stamp: time in seconds.

        Raises:
            ImageError: this is not an image; the recording continues without it.
        """
        resized = self._grounder.resize(image)
        frame = RecordedFrame(self.frames, self._elapsed(stamp), resized)
        self.frames += 1
        source = np.ascontiguousarray(image)
        if self._observes:
            self._reader.observe(source, frame.time)
        self._trimmer.add(frame)
        missing = [
            certain for certain in self._trimmer.certain_frames() if certain.features is None
        ]
        self._encode(missing[:_ENCODED_PER_FRAME])
        try:
            if self._writer is not None:
                self._writer.add_frame(source, stamp)
        except DemonstrationError as error:
            self.problem, self._writer = str(error), None

    def finish(
        self, frame_count: int | None = None, motion_frames: Sequence[NDArray[np.uint8]] = ()
    ) -> Recorded:
        """End the recording and complete its file, unless `problem` gives a reason why not.

        Args:
            frame_count: number of frames from which the added ones were sampled; None: the number
                of added frames.
            motion_frames: uint8 RGB [H, W, 3], frames for the estimate of motion; empty: the added
                frames.

        Raises:
            DemonstrationError: the recording has no frame; its file is removed.
        """
        try:
            return self._finished(frame_count, motion_frames)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop the recording and its file, unless it is finished."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None

    def _finished(
        self, frame_count: int | None, motion_frames: Sequence[NDArray[np.uint8]]
    ) -> Recorded:
        if not self.frames:
            raise DemonstrationError(
                f'demonstration {self.name!r} has no frame. Send at least one before you finish it'
            )
        part = self._trimmer.part()
        self._encode([frame for frame in part.frames if frame.features is None])
        encoded = EncodedFrames.stack(
            [(frame.image, frame.features) for frame in part.frames if frame.features is not None]
        )
        reading = self._read(part, encoded)
        if reading is not None:
            encoded = replace(
                encoded,
                read_contact=ReadContact(
                    on_grid(reading.log_probabilities, _GRID), reading.candidates
                ),
            )
        if self.contact is not None:
            encoded = replace(encoded, contact=self.contact)
            # a model that does not support marks rejects it before the file is complete
            self._grounder.contact(encoded)
        frames = motion_frames or [frame.image for frame in part.held]
        encoded = replace(encoded, rotation=shown_rotation(self._grounder, encoded, frames))
        summary = self._summary(part, frame_count or self.frames, encoded.rotation)
        self._complete_file(summary, part, encoded)
        return Recorded(summary, encoded, part.reason, self.problem, reading)

    def _read(self, part: UsedPart, encoded: EncodedFrames) -> ContactReading | None:
        """Read the contact in the used part; None if that is not possible."""
        matching = self._grounder.matching
        if matching is None:
            return None
        prior = matching.contact_prior(encoded.images, encoded.features.stages)
        if not self._observes:
            return self._reader.read(prior)
        # The observed frame may be the one before the first.
        return self._reader.read(prior, part.first.time - 1 / RATE, part.last.time)

    def _summary(self, part: UsedPart, frame_count: int, rotation: ShownRotation) -> Summary:
        return Summary(
            name=self.name,
            frames=frame_count,
            frames_kept=len(part.frames),
            duration=self.duration,
            begin=part.first.time,
            end=part.last.time,
            trimmed_by=part.trimmed_by,
            hands_seen=self.hands_seen,
            frames_lost=self.frames_lost,
        ).marked(self.contact, rotation)

    def _complete_file(self, summary: Summary, part: UsedPart, encoded: EncodedFrames) -> None:
        if self._writer is None:
            return
        fingerprint = self._grounder.fingerprint
        numbers = part.first.number, part.last.number
        try:
            self._writer.finish(StoreEntry(summary, time.time(), *numbers, fingerprint), encoded)
        except DemonstrationError as error:
            self.problem = str(error)
        self._writer = None

    def _encode(self, frames: list[RecordedFrame]) -> None:
        for frame in frames:
            frame.features = self._grounder.encode(frame.image)

    def _elapsed(self, stamp: float) -> float:
        """Compute the seconds after the first frame, even if the clock was set meanwhile."""
        if self.frames == 0:
            self._first_stamp = stamp
        elif not -_CLOCK_BACK <= stamp - self._last_stamp <= _CLOCK_AHEAD:
            self._first_stamp = stamp - self.duration
        self._last_stamp = stamp
        self.duration = max(self.duration, stamp - self._first_stamp)
        return self.duration


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
    recording = Recording(name, grounder, store, media.reader, trim=False)
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
