# SPDX-License-Identifier: Apache-2.0
"""Frames from just before a contact, which show the element without a hand (not in the paper).

Such a frame is the image that a mask only approximates: it has no hand and hides nothing.
It shows the state at the contact only if nothing was moved in between. The contact must therefore
have just begun, and must be the first one after the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afformer_core.offline.maskahand.mining.mined_video import MinedVideo, interacting_hands
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip

# Number of first frames of a contact in which the touched element has hardly moved.
_BEGINNING = 2
# Consecutive frames without a hand, since a detector may lose it in one.
_IN_A_ROW = 2
# Seconds; over a longer time light changes, and objects move without a hand.
_SECONDS = 10.0


def with_hand_free_frames(
    clips: Sequence[InteractionClip], interaction_score: float, hidden_score: float
) -> list[InteractionClip]:
    """Add the frame before the hand came to the interactions of clips, if there is one.

    Args:
        clips: clips of an index.
        interaction_score: interaction score of the index.
        hidden_score: minimum score of a detection to count as a hand.
    """
    return [_with_hand_free(clip, interaction_score, hidden_score) for clip in clips]


def hand_free_frame(
    video: MinedVideo, number: int, interaction_score: float, hidden_score: float
) -> int | None:
    """Find the second-to-last frame before a hand came to its contact.

    Args:
        video: mined video.
        number: number of a frame in which a hand interacts.
        interaction_score, hidden_score: see `with_hand_free_frames`.

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


def _with_hand_free(
    clip: InteractionClip, interaction_score: float, hidden_score: float
) -> InteractionClip:
    interactions = tuple(
        replace(
            interaction,
            hand_free=hand_free_frame(
                clip.video, interaction.number, interaction_score, hidden_score
            ),
        )
        for interaction in clip.interactions
    )
    return replace(clip, interactions=interactions)
