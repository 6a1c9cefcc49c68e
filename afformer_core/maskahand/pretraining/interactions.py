# SPDX-License-Identifier: Apache-2.0
"""The clips of an index, and the frames in them that hands interact in."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.index import HandIndex, MinedVideo
from afformer_core.maskahand.pretraining.approach import Approaches, Direction
from afformer_core.media.video_frames import uniform_indices


@dataclass(frozen=True)
class Interaction:
    """A frame in which hands interact.

    Attributes:
        number: of the frame among those of its video that were looked at.
        hands: all that were seen in it, whatever they do.
        interacting: those that interact, at least one; each reaches into the frame.
        approaches: of each of them, from where it came; None where it did not move.
        hand_free: number of the frame before the hand came, see `with_hand_free_frames`; None
            where there is none, or it was not looked for.
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
        interactions: at least one, within the clip, in order.
    """

    video: MinedVideo
    first: int
    last: int
    interactions: tuple[Interaction, ...]

    def demonstration(self, frames: int) -> tuple[int, ...]:
        """Numbers of the frames that a model is shown: evenly spaced, and at most so many."""
        return tuple(self.first + i for i in uniform_indices(self.last - self.first + 1, frames))

    @property
    def hand_free(self) -> tuple[int, ...]:
        """Numbers of the frames without a hand that its interactions name, in order."""
        named = {each.hand_free for each in self.interactions}
        return tuple(sorted(number for number in named if number is not None))


def interaction_clips(index: HandIndex, most: int) -> list[InteractionClip]:
    """The clips that examples are made of, in the order of the index.

    Args:
        index: what was mined.
        most: interactions of a clip at most, evenly spaced; at least 1.

    Raises:
        DatasetError: there is no clip in which a hand that interacts is within the frame.
    """
    clips = []
    for video in index.videos:
        approaches = Approaches(video.hands)
        for first, last in video.clips:
            found = [
                (number, interacting)
                for number in range(first, last + 1)
                if (interacting := interacting_hands(video, number, index.interaction_score))
            ]
            if found:
                chosen = tuple(
                    _interaction(video, *found[i], approaches)
                    for i in uniform_indices(len(found), most)
                )
                clips.append(InteractionClip(video, first, last, chosen))
    if not clips:
        raise DatasetError(
            f'the index has {index.clips} clips, and no hand that interacts within a frame of '
            'them; mine videos in which hands touch things'
        )
    return clips


def interacting_hands(video: MinedVideo, number: int, score: float) -> tuple[Hand, ...]:
    """The hands that interact in a frame of a video, if there is such a frame.

    Args:
        video: that was mined.
        number: of the frame.
        score: from which on a hand in contact interacts.
    """
    return tuple(
        hand
        for hand in video.hands.get(number, ())
        if hand.contact and hand.score >= score and _in_view(hand, video)
    )


def _interaction(
    video: MinedVideo, number: int, interacting: tuple[Hand, ...], approaches: Approaches
) -> Interaction:
    directions = tuple(approaches.of(number, hand) for hand in interacting)
    return Interaction(number, video.hands[number], interacting, directions)


def _in_view(hand: Hand, video: MinedVideo) -> bool:
    left, top, right, bottom = hand.box
    width, height = video.size
    return min(right, width) - max(left, 0) > 1e-3 and min(bottom, height) - max(top, 0) > 1e-3
