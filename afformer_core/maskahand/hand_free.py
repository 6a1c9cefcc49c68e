# SPDX-License-Identifier: Apache-2.0
"""Frames from just before a hand came, which show what it is about to touch (not in the paper).

Such a frame is the very image that a mask makes up for: without a hand, and with nothing hidden.
It shows the scene of the contact only if nothing was moved in between, so that the contact must
have just begun, and must be the first after the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from afformer_core.maskahand.hand import Hand
from afformer_core.maskahand.interactions import InteractionClip

# Frames of a contact, from its first on, in which what is touched has hardly moved.
_BEGINNING = 2
# A detector may lose a hand in one frame.
_IN_A_ROW = 2
# Light changes, and things that no hand moves.
_SECONDS = 10.0


def with_hand_free_frames(
    clips: Sequence[InteractionClip], interaction_score: float, hidden_score: float
) -> list[InteractionClip]:
    """Clips whose interactions name the frame before the hand came, where there is one.

    Args:
        clips: of an index.
        interaction_score: of the index: from which score on a hand in contact interacts.
        hidden_score: from which score on a hand is one.
    """
    return [_with_hand_free(clip, interaction_score, hidden_score) for clip in clips]


def hand_free_frame(
    hands: Mapping[int, Sequence[Hand]],
    number: int,
    interaction_score: float,
    hidden_score: float,
) -> int | None:
    """The last frame but one before a hand came to where it touches something.

    Args:
        hands: of a video, by the number of their frames.
        number: of a frame in which a hand interacts.
        interaction_score, hidden_score: see `with_hand_free_frames`.

    Returns:
        its number; None where the contact has lasted, or followed another before the hand left,
        or no frame before it is without hands.
    """
    begin = number
    while _interacts(hands.get(begin - 1, ()), interaction_score):
        begin -= 1
        if number - begin >= _BEGINNING:
            return None
    free = 0
    for before in range(begin - 1, -1, -1):
        seen = hands.get(before, ())
        if _interacts(seen, interaction_score):
            return None
        free = 0 if any(hand.score >= hidden_score for hand in seen) else free + 1
        if free == _IN_A_ROW:
            return before
    return None


def _with_hand_free(
    clip: InteractionClip, interaction_score: float, hidden_score: float
) -> InteractionClip:
    video = clip.video
    interactions = []
    for each in clip.interactions:
        free = hand_free_frame(video.hands, each.number, interaction_score, hidden_score)
        if free is not None and video.times[each.number] - video.times[free] > _SECONDS:
            free = None
        interactions.append(replace(each, hand_free=free))
    return replace(clip, interactions=tuple(interactions))


def _interacts(hands: Sequence[Hand], score: float) -> bool:
    return any(hand.contact and hand.score >= score for hand in hands)
