# SPDX-License-Identifier: Apache-2.0
"""The clips of an index from which examples are made, read from disk one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.pretraining.interactions import (
    InteractionClip,
    interaction_clip,
)


class StoredClips(Sequence[InteractionClip]):
    """The clips of an index, as a lazy sequence.

    Args:
        path: path of the index.
        most: largest number of interactions of a clip, evenly spaced; at least 1.
        hidden_score: minimum score of a detection to count as a hand, to find the frame before the
            hand came (see `interaction_clip`); None: no search.

    Attributes:
        table: columns of the clips, and head of the index.

    Raises:
        DatasetError: the index is missing or damaged, or has no clip with a hand in contact.
    """

    def __init__(self, path: Path, most: int, hidden_score: float | None = None) -> None:
        table = ClipTable.open(path)
        self.table = table.only(table.columns['interactions'] > 0)
        self._most = most
        self._hidden_score = hidden_score
        if not len(self.table):
            raise DatasetError(
                f'no frame of the {len(table)} clips of the index has a hand in contact. Mine '
                'videos in which hands touch objects'
            )

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.table)

    def __getitem__(self, number: int) -> InteractionClip:  # type: ignore[override]
        """Read a clip.

        Raises:
            DatasetError: its shard is missing or damaged.
            IndexError: there is no such clip.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(f'clip {number} of {len(self)}')
        video, score = self.table.video(number), self.table.head.interaction_score
        window = self.table.window(number)
        clip = interaction_clip(video, *window, score, self._most, self._hidden_score)
        if clip is None:
            raise DatasetError(f'clip {number} of {video.path} has no hand in contact. Mine again')
        return clip
