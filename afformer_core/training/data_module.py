# SPDX-License-Identifier: Apache-2.0
"""What every training of grounding asks of its data: which batches, and what to validate on."""

from __future__ import annotations

from abc import abstractmethod

from afformer_core.data.sample import Sample
from afformer_core.training.batched_data import BatchedData


class GroundingData(BatchedData):
    """Batches of demonstrations with their target images, wherever these come from.

    Args:
        input_size: (height, width) of pictures.
        workers: processes that read.

    Attributes:
        input_size: as above.
        action_names: of what is trained on; none where no actions are known.
        validation_samples: measured by the evaluator now and then; empty: none.
    """

    validation_samples: list[Sample]

    def __init__(self, input_size: tuple[int, int], workers: int) -> None:
        super().__init__(workers)
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.action_names: tuple[str, ...] = ()
        self.validation_samples = []

    @property
    @abstractmethod
    def longest(self) -> int:
        """The most frames of a demonstration that a batch may have."""
