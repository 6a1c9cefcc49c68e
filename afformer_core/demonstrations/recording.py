# SPDX-License-Identifier: Apache-2.0
"""The recording of one demonstration, and its trimming while frames arrive, in bounded memory."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.contact_reading.contact_maps import ContactReading
from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    RATE,
    DemonstrationReader,
)
from afformer_core.demonstrations.demonstration_file import DemonstrationWriter
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.optical_flow import shown_rotation
from afformer_core.demonstrations.state import Recorded, StoreEntry, Summary, validated_name
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import (
    Demonstration,
    EncodedFrames,
    FrameSampler,
    ImageFeatures,
    ShownRotation,
)
from afformer_core.runtime.matching.matcher import ReadContact, on_grid

# Bounds the number of frames before a part, at any frame rate.
_MOST_FRAMES_BEFORE = 256
# Minimum seconds of a detection, and maximum seconds between the last activity of a hand and
# motion that continues it.
_PERSISTENCE, _LONGEST_PAUSE = 0.1, 2.0
_ROUNDING = 1e-6
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


@dataclass
class RecordedFrame:
    """One frame of a recording.

    Attributes:
        number: number of the frame, from 0.
        time: seconds after the first frame.
        image: uint8 RGB [h, w, 3] at the model's input size.
        features: its features; None before the frame is encoded.
    """

    number: int
    time: float
    image: UInt8Array
    features: ImageFeatures | None = None


@dataclass(frozen=True)
class UsedPart:
    """The used part of a recording.

    Attributes:
        frames: evenly spaced frames of the part, in order.
        held: evenly spaced frames of the part, in order, up to four times as many.
        first, last: its first and last frame.
        trimmed_by: detector that found it; '' if nothing was trimmed.
        reason: reason why nothing was trimmed, or ''.
    """

    frames: tuple[RecordedFrame, ...]
    held: tuple[RecordedFrame, ...]
    first: RecordedFrame
    last: RecordedFrame
    trimmed_by: str = ''
    reason: str = ''


class ActivePart:
    """The frames from shortly before a detector's first activity to shortly after its last.

    A pause between two activities belongs to the part. `frames` contains only frames that
    certainly belong to it; frames that may be in a pause are kept separately.

    Args:
        maximum: maximum number of frames of the part.
        margin: seconds to keep before and after, at least 0.
    """

    def __init__(self, maximum: int, margin: float) -> None:
        self._margin = margin
        self._before: deque[RecordedFrame] = deque(maxlen=_MOST_FRAMES_BEFORE)
        self._pause: FrameSampler[RecordedFrame] | None = None
        self._last_activity = 0.0
        self.frames: FrameSampler[RecordedFrame] = FrameSampler(maximum)
        self.first: RecordedFrame | None = None
        self.last: RecordedFrame | None = None

    def add(self, frame: RecordedFrame, active: bool) -> None:  # noqa: FBT001
        """Add the next frame, and whether it shows activity."""
        if self.first is None:
            self._before.append(frame)
            while self._before[0].time < frame.time - self._margin - _ROUNDING:
                self._before.popleft()
            if active:
                self._begin(frame)
        elif active:
            if self._pause is not None:
                self.frames.absorb(self._pause)
                self._pause = None
            self._keep(frame)
            self._last_activity = frame.time
        elif frame.time <= self._last_activity + self._margin + _ROUNDING and self._pause is None:
            self._keep(frame)
        else:
            self._pause = self._pause or self.frames.continuation()
            self._pause.offer(frame)

    def _begin(self, frame: RecordedFrame) -> None:
        self.first = self._before[0]
        for earlier in self._before:
            self._keep(earlier)
        self._before.clear()
        self._last_activity = frame.time

    def _keep(self, frame: RecordedFrame) -> None:
        self.frames.offer(frame)
        self.last = frame


class Persistence:
    """Filter for detections that last at least 0.1 s and two frames."""

    def __init__(self) -> None:
        self._since: float | None = None

    def lasts(self, seen: bool, time: float) -> bool:  # noqa: FBT001
        """Check whether detections have lasted long enough.

        Args:
            seen: True for a detection in the next frame.
            time: time of that frame, seconds.
        """
        if not seen:
            self._since = None
        elif self._since is None:
            self._since = time
        else:
            return time - self._since >= _PERSISTENCE
        return False


class Trimmer:
    """The search for the active part of a recording.

    Hands determine the part, with motion that continues after them: a hand that grips an object or
    turns away may not be detected again, but the object moves. If there was no hand, motion
    determines it. If nothing moved either, the whole recording is used.

    Args:
        reader: reader that observes each frame first; None: the whole recording is used.
        maximum: maximum number of frames of the part.
        margin: seconds to keep before the first and after the last activity.
    """

    def __init__(self, reader: DemonstrationReader | None, maximum: int, margin: float) -> None:
        self._reader = reader
        # By what they are trimmed by, in order of precedence, with the filter of its detections.
        names = () if reader is None else ('hands', 'motion')
        self._parts = {name: ActivePart(maximum, margin) for name in names}
        self._filters = {name: Persistence() for name in names}
        self._last_active = -math.inf
        self._everything: FrameSampler[RecordedFrame] = FrameSampler(maximum)
        self._first: RecordedFrame | None = None
        self._last: RecordedFrame | None = None
        self.hands_seen = 0

    def add(self, frame: RecordedFrame) -> None:
        """Add the next frame."""
        self._first = self._first or frame
        self._last = frame
        self._everything.offer(frame)
        if self._reader is None:
            return
        self.hands_seen += self._reader.hands > 0
        # Faces in profile are detected as hands, but rarely in two successive frames.
        hands = self._filters['hands'].lasts(self._reader.hands > 0, frame.time)
        moves = self._filters['motion'].lasts(self._reader.moves, frame.time)
        hands = hands or (moves and frame.time - self._last_active <= _LONGEST_PAUSE)
        if hands:
            self._last_active = frame.time
        self._parts['hands'].add(frame, hands)
        self._parts['motion'].add(frame, moves)

    def certain_frames(self) -> list[RecordedFrame]:
        """Return the frames so far that certainly belong to the used part."""
        if self._reader is None:
            return self._everything.kept
        begun = (part.frames.kept for part in self._parts.values() if part.first is not None)
        return next(begun, [])

    def part(self) -> UsedPart:
        """Return the used part of the frames so far.

        Raises:
            ValueError: there is no frame yet.
        """
        if self._first is None or self._last is None:
            raise ValueError('there is no frame yet. Add one first')
        for name, part in self._parts.items():
            if part.first is None or part.last is None:
                continue
            if part.first is self._first and part.last is self._last:
                return self._whole(f'{name} from its beginning to its end')
            frames, held = tuple(part.frames.selection()), tuple(part.frames.kept)
            return UsedPart(frames, held, part.first, part.last, trimmed_by=name)
        return self._whole('' if self._reader is None else 'no activity was seen')

    def _whole(self, reason: str) -> UsedPart:
        assert self._first is not None
        assert self._last is not None
        frames, held = tuple(self._everything.selection()), tuple(self._everything.kept)
        return UsedPart(frames, held, self._first, self._last, reason=reason)


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
        self.losses = Counter(dict.fromkeys(_LOSSES, 0))
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
