# SPDX-License-Identifier: Apache-2.0
"""The clips of an index from which examples are made, read from disk one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from afformer_core.errors import DatasetError
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.mining.mined_video import MinedVideo
from afformer_core.offline.maskahand.pretraining.hand_free import with_hand_free_frames
from afformer_core.offline.maskahand.pretraining.interactions import (
    Approaches,
    InteractionClip,
    interaction_clip,
)


class StoredClips(Sequence[InteractionClip]):
    """The clips of indexes of shards, as a lazy sequence.

    Args:
        table: clips.
        most: largest number of interactions of a clip, evenly spaced; at least 1.
        hidden_score: minimum score of a detection to count as a hand, to find the frame before the
            hand came (see `with_hand_free_frames`); None: no search.

    Raises:
        DatasetError: there is no clip in which an interacting hand is within the frame.
    """

    def __init__(self, table: ClipTable, most: int, hidden_score: float | None = None) -> None:
        self._table = table.only(table.columns['interactions'] > 0)
        self._most = most
        self._hidden_score = hidden_score
        self._last: tuple[MinedVideo, Approaches] | None = None
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
        clip = interaction_clip(
            video, *self._table.window(number), score, self._most, self._approaches(video)
        )
        if clip is None:
            raise DatasetError(f'clip {number} of {video.path} has no hand in contact. Mine again')
        if self._hidden_score is None:
            return clip
        return with_hand_free_frames([clip], score, self._hidden_score)[0]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the index."""
        return self._table.head.settings

    def _approaches(self, video: MinedVideo) -> Approaches:
        if self._last is None or self._last[0] is not video:
            self._last = (video, Approaches(video.hands))
        return self._last[1]


def stored_clips(path: Path, most: int, hidden_score: float | None) -> StoredClips:
    """Open the clips of an index of shards (see `StoredClips`).

    Raises:
        DatasetError: the index is missing or damaged, or has no clip with a hand in contact.
    """
    return StoredClips(ClipTable.open([path]), most, hidden_score)
