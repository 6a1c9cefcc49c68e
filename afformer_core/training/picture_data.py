# SPDX-License-Identifier: Apache-2.0
"""Training on pictures: the whole model may learn, and examples may be augmented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from afformer_core.data.augmentation import Augmentation, AugmentationOptions
from afformer_core.data.cache_room import require_room
from afformer_core.data.clip_cache_size import missing_clips
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import parse_frame_sampling
from afformer_core.data.sample import Sample
from afformer_core.training.annotated_data import AnnotatedData, AnnotationSource
from afformer_core.training.collation import collate_pictures
from afformer_core.training.picture_dataset import PictureDataset
from afformer_core.training.reversal import Reversal

_NO_AUGMENTATION = AugmentationOptions()


class PictureData(AnnotatedData):
    """Clips and images read from disk in every step.

    Args:
        train: what is trained on.
        validation: what is validated on; nothing if it is null.
        input_size: (height, width) of pictures; the model's, never given.
        frames: which frames of a clip are used: `uniform 64`, or `2 fps x 32 every 16`, of whose
            windows training draws one and validation takes the mean.
        folder_rate: numbers per second in the names of frames, where a clip is a folder of them.
        batch_size: demonstrations of a step, over all processes.
        targets: target images of each demonstration of a step; 1 draws pairs.
        workers: processes that read.
        cache_folder: where decoded and resized clips are kept; nowhere if it is null.
        augmentation: random changes in training.
        seed: of the order and of augmentation.
        foreign_targets: images besides, for each demonstration of a step, that show another
            object, and whose heatmap should be uniform: so that confidence is low where what was
            demonstrated is not in view.
        reverse_probability: share of the demonstrations that training plays backwards.
        reversed_actions: name of the action that each becomes then; a demonstration of another
            action is never played backwards.
    """

    def __init__(
        self,
        train: AnnotationSource,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (256, 256),
        frames: str = 'uniform 32',
        folder_rate: float | None = None,
        batch_size: int = 8,
        targets: int = 1,
        workers: int = 2,
        cache_folder: Path | None = None,
        augmentation: AugmentationOptions = _NO_AUGMENTATION,
        seed: int = 0,
        foreign_targets: int = 0,
        reverse_probability: float = 0.0,
        reversed_actions: dict[str, str] | None = None,
    ) -> None:
        super().__init__(
            train, validation, input_size, batch_size, targets, workers, seed, foreign_targets
        )
        self._reversal = Reversal.of_names(
            reverse_probability, reversed_actions or {}, self.action_names
        )
        sampling = parse_frame_sampling(frames)
        self._reader = ClipReader(sampling, self.input_size, cache_folder, folder_rate)
        self._augmentation = Augmentation(augmentation, self.action_names)

    def prepare_data(self) -> None:
        """See that the cache has room, once on each machine."""
        super().prepare_data()
        if self._reader.cache_folder is not None:
            samples = [*self.training_samples, *self.validation_samples]
            require_room(self._reader.cache_folder, missing_clips(self._reader, samples))

    def _dataset(self, samples: Sequence[Sample], training: bool) -> Dataset[Any]:
        if not training:
            return PictureDataset(samples, self._reader, None)
        return PictureDataset(samples, self._reader, self._augmentation, self._reversal)

    @property
    def longest(self) -> int:
        """See `GroundingData.longest`."""
        return self._reader.sampling.longest

    @property
    def _collate(self) -> Callable[[Any], Any]:
        return collate_pictures
