# SPDX-License-Identifier: Apache-2.0
"""The clips of an index, and the frames in them in which hands interact."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.hands.hand import Hand
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.maskahand.mining.index import MinedVideo, interacting_hands

# Number of first frames of a contact in which the touched element has hardly moved.
_BEGINNING = 2
# Consecutive frames without a hand, since a detector may lose it in one.
_IN_A_ROW = 2
# Seconds; over a longer time light changes, and objects move without a hand.
_SECONDS = 10.0


@dataclass(frozen=True)
class Interaction:
    """A frame in which hands interact.

    Attributes:
        number: number of the frame among the examined ones of its video.
        hands: all hands in it.
        interacting: hands that interact, at least one; each reaches into the frame.
        hand_free: number of the frame before the hand came (see `hand_free_frame`); None if there
            is none, or it was not searched for.
    """

    number: int
    hands: tuple[Hand, ...]
    interacting: tuple[Hand, ...]
    hand_free: int | None = None


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


def interaction_clip(
    video: MinedVideo,
    first: int,
    last: int,
    score: float,
    most: int,
    hidden_score: float | None = None,
) -> InteractionClip | None:
    """Return a clip with its interactions; None if there is none.

    Args:
        video: mined video.
        first, last: numbers of the clip's first and last frame.
        score: minimum score for a hand in contact to count as an interaction.
        most: largest number of interactions, evenly spaced; at least 1.
        hidden_score: minimum score of a detection to count as a hand, to find the frame before the
            hand came; None: no search.
    """
    found = [
        (number, interacting)
        for number in range(first, last + 1)
        if (interacting := interacting_hands(video, number, score))
    ]
    if not found:
        return None
    chosen = [found[index] for index in uniform_indices(len(found), most)]
    interactions = (
        Interaction(
            number,
            video.hands[number],
            interacting,
            None if hidden_score is None else hand_free_frame(video, number, score, hidden_score),
        )
        for number, interacting in chosen
    )
    return InteractionClip(video, first, last, tuple(interactions))


def hand_free_frame(
    video: MinedVideo, number: int, interaction_score: float, hidden_score: float
) -> int | None:
    """Find the second-to-last frame before a hand came to its contact.

    Args:
        video: mined video.
        number: number of a frame in which a hand interacts.
        interaction_score: minimum score for a hand in contact to count as an interaction.
        hidden_score: minimum score of a detection to count as a hand.

    Returns: its number; None if the contact began earlier, if it followed another one before the
    hand left, or if the ten seconds before it have no frame without hands.
    """
    begin = number
    while interacting_hands(video, begin - 1, interaction_score):
        begin -= 1
        if number - begin >= _BEGINNING:
            return None
    free = 0
    for before in range(begin - 1, -1, -1):
        long_ago = video.times[number] - video.times[before] > _SECONDS
        if long_ago or interacting_hands(video, before, interaction_score):
            return None
        seen = any(hand.score >= hidden_score for hand in video.hands.get(before, ()))
        free = 0 if seen else free + 1
        if free == _IN_A_ROW:
            return before
    return None
