# SPDX-License-Identifier: Apache-2.0
"""The reader of the contact of a demonstration, from frames and hands as they arrive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.demonstrations.contact_reading.camera_motion import steadied
from afformer_core.demonstrations.contact_reading.candidates import contact_candidates
from afformer_core.demonstrations.contact_reading.contact_maps import (
    change_map,
    combined_map,
    hand_map,
)
from afformer_core.demonstrations.contact_reading.contact_observer import (
    MOST_FRAMES,
    ContactObserver,
    DetectedHand,
    ObservedFrame,
)
from afformer_core.demonstrations.contact_reading.entering_tips import entering_map
from afformer_core.demonstrations.contact_reading.hand_paths import hand_paths
from afformer_core.demonstrations.contact_reading.hand_shape import hand_mask
from afformer_core.demonstrations.contact_reading.moment_scores import moment_scores
from afformer_core.demonstrations.contact_reading.reading import ContactReading
from afformer_core.demonstrations.contact_reading.removal import removal_map
from afformer_core.demonstrations.contact_reading.small_video import SmallVideo
from afformer_core.errors import DemonstrationError

# Number of frames at the start whose hands count as those of the first frame, because a detection
# may be missing.
_FIRST_FRAMES = 3
# Share of frames with a hand below which hands are assumed to be undetected.
_SELDOM = 0.1


class ContactReader:
    """A reader of the contact of one demonstration while its frames arrive.

    Each frame is measured when it arrives, so that the end of a recording takes a fraction of a
    second. Memory is bounded.

    Args:
        most_frames: maximum number of frames that are kept, at least 2. In a longer demonstration
            every second frame is kept, then every fourth, and so on.
    """

    def __init__(self, most_frames: int = MOST_FRAMES) -> None:
        self._observer = ContactObserver(most_frames)

    def needs(self, time: float) -> bool:
        """Check whether to observe a frame at this time, see `ContactObserver.needs`."""
        return self._observer.needs(time)

    @property
    def frames(self) -> list[ObservedFrame]:
        """The kept frames so far, see `ContactObserver.frames`."""
        return self._observer.frames

    def observe(self, image: UInt8Array, time: float, hands: Sequence[DetectedHand]) -> None:
        """Observe the next frame, see `ContactObserver.observe`."""
        self._observer.observe(image, time, hands)

    def read(
        self, prior: FloatArray, begin: float = -math.inf, end: float = math.inf
    ) -> ContactReading | None:
        """Read the contact in the frames so far; None if fewer than two are in the part.

        Args:
            prior: float32 [H, W], log-probability of the contact over the first frame; zeros if
                unknown.
            begin, end: times of the first and the last frame of the part, in seconds. The reading
                is over the first frame of the part.

        Raises:
            DemonstrationError: the prior is not finite and of two dimensions.
        """
        frames = [frame for frame in self.frames if begin <= frame.time <= end]
        return read_observed(from_the_first(frames), prior) if len(frames) > 1 else None


def from_the_first(frames: Sequence[ObservedFrame]) -> list[ObservedFrame]:
    """Return one or more frames with `to_first` relative to the first of them."""
    back = np.linalg.inv(frames[0].to_first)
    return [replace(frame, to_first=back @ frame.to_first) for frame in frames]


def read_contact(
    video: SmallVideo, hands: Sequence[Sequence[DetectedHand]], prior: FloatArray
) -> ContactReading:
    """Read the contact of a whole demonstration.

    Args:
        video: its frames.
        hands: hands of each frame.
        prior: see `ContactReader.read`.

    Raises:
        DemonstrationError: the numbers of frames and hands differ, or see `ContactReader.read`.
    """
    if len(hands) != len(video.images):
        raise DemonstrationError(
            f'hands are given for {len(hands)} frames; expected hands for {len(video.images)}'
        )
    reader = ContactReader()
    for image, time, found in zip(video.images, video.times, hands, strict=True):
        reader.observe(image, float(time), found)
    return read_observed(reader.frames, prior)


def read_observed(frames: Sequence[ObservedFrame], prior: FloatArray) -> ContactReading:
    """Read the contact in observed frames, see `ContactReader.read`."""
    if not frames:
        raise DemonstrationError('no frame was observed; expected at least one')
    if prior.ndim != 2 or not prior.size or not np.isfinite(prior).all():
        raise DemonstrationError(
            f'the prior is {list(prior.shape)}; expected finite log-probabilities [H, W]'
        )
    height, width = frames[0].image.shape[:2]
    to_first = steadied([frame.to_first for frame in frames], (width, height))
    frames = [
        replace(frame, to_first=motion) for frame, motion in zip(frames, to_first, strict=True)
    ]
    times = np.array([frame.time for frame in frames])
    paths = hand_paths(times, [frame.hands for frame in frames], to_first)
    weights = moment_scores(paths)
    maps = [
        hand_map(path.tips, weight, (height, width))
        for path, weight in zip(paths, weights, strict=True)
    ]
    if sum(bool(frame.hands) for frame in frames) < _SELDOM * len(frames):
        # Fingers may be too close to the camera for their hand to be detected.
        entering = entering_map(frames)
        maps += [] if entering is None else [entering]
    early = [hand.landmarks for frame in frames[:_FIRST_FRAMES] for hand in frame.hands]
    change = change_map(
        frames[0].image, frames[-1].image, to_first[-1], hand_mask(early, (height, width))
    )
    logs = combined_map(prior, change, maps)
    candidates = contact_candidates(logs, removal_map(frames), paths, weights)
    return ContactReading(logs.astype(np.float32), candidates)
