# SPDX-License-Identifier: Apache-2.0
"""The clips of an index, and the frames in them in which hands interact."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.maskahand.mining.mined_video import (
    HandIndex,
    MinedVideo,
    interacting_hands,
)

Direction = tuple[float, float]

# Number of frames in which a lost hand is searched for.
_GAP = 3
# In diagonals of the hand's box: largest step from frame to frame, and the maximum and minimum
# length of the path before a contact that counts.
_STEP, _WAY, _LEAST = 1.0, 1.5, 0.25
# Minimum score of a hand's continuation as a share of the hand's score; false detections have
# less.
_SURE = 0.5


class Approaches:
    """The directions from which the hands of a video came.

    The path to a contact is searched for once, for any of the contact's frames.

    Args:
        hands: hands of the video, by the number of their frames.
    """

    def __init__(self, hands: Mapping[int, Sequence[Hand]]) -> None:
        self._hands = hands
        self._known: dict[tuple[int, Hand, int], Direction | None] = {}

    def of(self, number: int, hand: Hand) -> Direction | None:
        """Find the direction from which a hand came to its interaction.

        This is the direction of the last path before the contact began. If the hand was in contact
        since it came into view, it is the reverse of the path afterwards.

        Args:
            number: number of the frame of the interaction.
            hand: hand of that frame, in contact.

        Returns:
            (x, y) of length 1 in pixels of the frame; None if the hand did not move.
        """
        for step in (-1, 1):
            direction = self._led(number, hand, step)
            if direction is not None:
                return direction
        return None

    def _led(self, number: int, hand: Hand, step: int) -> Direction | None:
        """Find the direction that led to a contact, searching before or after it."""
        contact = []
        direction = None
        last = hand
        trace = _trace(self._hands, number, hand, step)
        for position, found in trace:
            if not found.contact:
                direction = _way(last, chain([found], (free for _, free in trace)))
                break
            if (position, found, step) in self._known:
                direction = self._known[position, found, step]
                break
            contact.append((position, found, step))
            last = found
        self._known.update(dict.fromkeys(contact, direction))
        return direction


def _trace(
    hands: Mapping[int, Sequence[Hand]], number: int, hand: Hand, step: int
) -> Iterator[tuple[int, Hand]]:
    """Follow a hand from frame to frame as long as it is found; yield it and the frame numbers."""
    lost = 0
    while lost <= _GAP:
        yield number, hand
        lost = 1
        while (found := _same(hands.get(number + lost * step, ()), hand, lost)) is None:
            lost += 1
            if lost > _GAP:
                return
        number += lost * step
        hand = found


def _same(hands: Sequence[Hand], hand: Hand, frames: int) -> Hand | None:
    """Find the hand nearest to an earlier position, if it may be the same hand."""
    sure = [other for other in hands if other.score >= _SURE * hand.score]
    nearest = min(sure, key=lambda other: math.dist(_centre(other), _centre(hand)), default=None)
    if nearest is None:
        return None
    near = math.dist(_centre(nearest), _centre(hand)) <= _STEP * frames * math.hypot(*hand.size)
    return nearest if near else None


def _way(contact: Hand, trace: Iterable[Hand]) -> Direction | None:
    """Compute the direction to a contact, given the hand's positions away from it."""
    end = begin = _centre(contact)
    diagonal = math.hypot(*contact.size)
    for hand in trace:
        # A path before another contact led to that contact.
        if hand.contact or math.dist(begin, end) >= _WAY * diagonal:
            break
        begin = _centre(hand)
    length = math.dist(begin, end)
    if length < _LEAST * diagonal:
        return None
    return (end[0] - begin[0]) / length, (end[1] - begin[1]) / length


def _centre(hand: Hand) -> tuple[float, float]:
    left, top, right, bottom = hand.box
    return (left + right) / 2, (top + bottom) / 2


@dataclass(frozen=True)
class Interaction:
    """A frame in which hands interact.

    Attributes:
        number: number of the frame among the examined ones of its video.
        hands: all hands in it.
        interacting: hands that interact, at least one; each reaches into the frame.
        approaches: direction from which each of these came; None if it did not move.
        hand_free: number of the frame before the hand came (see `with_hand_free_frames`); None
            if there is none, or it was not searched for.
    """

    number: int
    hands: tuple[Hand, ...]
    interacting: tuple[Hand, ...]
    approaches: tuple[Direction | None, ...]
    hand_free: int | None = None

    def __post_init__(self) -> None:
        if not self.interacting or len(self.interacting) != len(self.approaches):
            raise ValueError(
                f'{len(self.interacting)} hands interact and there are {len(self.approaches)} '
                'directions; expected at least one hand, and one direction for each'
            )


@dataclass(frozen=True)
class InteractionClip:
    """A part of a video that shows an interaction.

    Attributes:
        video: the whole video.
        first, last: numbers of the clip's first and last frame.
        interactions: interactions within the clip, in order, at least one.
    """

    video: MinedVideo
    first: int
    last: int
    interactions: tuple[Interaction, ...]

    def demonstration(self, frames: int) -> tuple[int, ...]:
        """Return the numbers of evenly spaced frames for the demonstration, at most `frames`."""
        return tuple(self.first + i for i in uniform_indices(self.last - self.first + 1, frames))

    @property
    def hand_free(self) -> tuple[int, ...]:
        """Numbers of the hand-free frames of its interactions, in order."""
        named = {interaction.hand_free for interaction in self.interactions}
        return tuple(sorted(number for number in named if number is not None))


def interaction_clips(index: HandIndex, most: int) -> list[InteractionClip]:
    """Collect the clips from which examples are made, in the order of the index.

    Args:
        index: the index.
        most: maximum number of evenly spaced interactions of a clip; at least 1.

    Raises:
        DatasetError: there is no clip in which an interacting hand is within the frame.
    """
    clips = []
    for video in index.videos:
        approaches = Approaches(video.hands)
        for first, last in video.clips:
            clip = interaction_clip(video, first, last, index.interaction_score, most, approaches)
            if clip is not None:
                clips.append(clip)
    if not clips:
        raise DatasetError(
            f'no frame of the {index.clips} clips of the index has a hand in contact. Mine videos '
            'in which hands touch objects'
        )
    return clips


def interaction_clip(
    video: MinedVideo, first: int, last: int, score: float, most: int, approaches: Approaches
) -> InteractionClip | None:
    """Return a clip with its interactions; None if there is none.

    Args:
        video: mined video.
        first, last: numbers of the clip's first and last frame.
        score: minimum score for a hand in contact to count as an interaction.
        most: largest number of interactions, evenly spaced; at least 1.
        approaches: directions of the video's hands.
    """
    found = [
        (number, interacting)
        for number in range(first, last + 1)
        if (interacting := interacting_hands(video, number, score))
    ]
    if not found:
        return None
    chosen = tuple(
        _interaction(video, *found[i], approaches) for i in uniform_indices(len(found), most)
    )
    return InteractionClip(video, first, last, chosen)


def _interaction(
    video: MinedVideo, number: int, interacting: tuple[Hand, ...], approaches: Approaches
) -> Interaction:
    directions = tuple(approaches.of(number, hand) for hand in interacting)
    return Interaction(number, video.hands[number], interacting, directions)
