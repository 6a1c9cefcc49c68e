# SPDX-License-Identifier: Apache-2.0
"""The clips of an index from which examples are made, read from disk one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from afformer_core.errors import DatasetError
from afformer_core.licences import Ingredient
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.mining.mined_video import MinedVideo, interacting_hands
from afformer_core.offline.maskahand.pretraining.interactions import (
    InteractionClip,
    interaction_clip,
)

# Number of first frames of a contact in which the touched element has hardly moved.
_BEGINNING = 2
# Consecutive frames without a hand, since a detector may lose it in one.
_IN_A_ROW = 2
# Seconds; over a longer time light changes, and objects move without a hand.
_SECONDS = 10.0


def with_hand_free_frames(
    clip: InteractionClip, interaction_score: float, hidden_score: float
) -> InteractionClip:
    """Add the frame before the hand came to the interactions of a clip, if there is one.

    Args:
        clip: clip of an index.
        interaction_score: interaction score of the index.
        hidden_score: minimum score of a detection to count as a hand.
    """
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


class StoredClips(Sequence[InteractionClip]):
    """The clips of an index, as a lazy sequence.

    Args:
        path: path of the index.
        most: largest number of interactions of a clip, evenly spaced; at least 1.
        hidden_score: minimum score of a detection to count as a hand, to find the frame before the
            hand came (see `with_hand_free_frames`); None: no search.

    Raises:
        DatasetError: the index is missing or damaged, or has no clip with a hand in contact.
    """

    def __init__(self, path: Path, most: int, hidden_score: float | None = None) -> None:
        table = ClipTable.open([path])
        self._table = table.only(table.columns['interactions'] > 0)
        self._most = most
        self._hidden_score = hidden_score
        if not len(self._table):
            raise DatasetError(
                f'no frame of the {len(table)} clips of the index has a hand in contact. Mine '
                'videos in which hands touch objects'
            )

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._table)

    @overload
    def __getitem__(self, number: int) -> InteractionClip: ...

    @overload
    def __getitem__(self, number: slice) -> list[InteractionClip]: ...

    def __getitem__(self, number: int | slice) -> InteractionClip | list[InteractionClip]:
        """Read a clip, or several.

        Raises:
            DatasetError: its shard is missing or damaged.
            IndexError: there is no such clip.
        """
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f'clip {number} of {len(self)}')
        video, score = self._table.video(number), self._table.head.interaction_score
        clip = interaction_clip(video, *self._table.window(number), score, self._most)
        if clip is None:
            raise DatasetError(f'clip {number} of {video.path} has no hand in contact. Mine again')
        if self._hidden_score is None:
            return clip
        return with_hand_free_frames(clip, score, self._hidden_score)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the index."""
        return self._table.head.settings

    @property
    def origins(self) -> tuple[Ingredient, ...]:
        """Datasets of the index (see `IndexHead.origins`)."""
        return self._table.head.origins
