# SPDX-License-Identifier: Apache-2.0
"""Base class of the training and validation data of a pre-training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from afformer_core.data.augmentation import ImageOptions
from afformer_core.data.cache_room import CachePart, require_room
from afformer_core.data.verification import usable_samples
from afformer_core.errors import DatasetError
from afformer_core.maskahand.mining.index import read_index
from afformer_core.maskahand.pretraining.clip_images import ClipImages
from afformer_core.maskahand.pretraining.hand_free import with_hand_free_frames
from afformer_core.maskahand.pretraining.interactions import interaction_clips
from afformer_core.maskahand.pretraining.pretraining_dataset import (
    PretrainingDataset,
    PretrainingExample,
)
from afformer_core.maskahand.pretraining.synthesis import SynthesisOptions
from afformer_core.training.datasets.annotated_data import AnnotationSource
from afformer_core.training.datasets.batched_data import GroundingData
from afformer_core.training.datasets.collation import FailedExample
from afformer_core.training.datasets.samplers import DemonstrationOrder


class PretrainingData(GroundingData):
    """What `MaskAHandData` and `MaskAHandFeatureData` have in common.

    Args:
        index: file that `afformer mine` wrote.
        validation: annotated data, measured without its actions; nothing if it is None.
        synthesis: how target images are made.
        targets: target images of each clip of a step.
        interactions: frames of a clip that target images are made of, at most.
        batch_size: clips of a step, over all processes.
        images: reads clips; at the rate of the index.
        video: how demonstrations are changed.
        workers: processes that read.
        seed: of the order, and of all that is random in target images.
    """

    def __init__(
        self,
        index: Path,
        validation: AnnotationSource | None,
        synthesis: SynthesisOptions,
        targets: int,
        interactions: int,
        batch_size: int,
        images: ClipImages,
        video: ImageOptions,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__(images.size, workers)
        # Ahead of the index, which takes long to read where much was mined.
        if validation is not None:
            self.validation_samples, _ = validation.read()
        mined = read_index(Path(index))
        self._clips = interaction_clips(mined, interactions)
        if synthesis.hand_free_share:
            score, hidden = mined.interaction_score, synthesis.masks.hidden_score
            self._clips = with_hand_free_frames(self._clips, score, hidden)
        self._validated = validation
        self._inspected = validation is None
        self._index = index
        self._images = replace(images, number_rate=mined.settings.get('number_rate'))
        self._examples = PretrainingDataset(self._clips, self._images, synthesis, targets, video)
        self._clip_order = DemonstrationOrder(len(self._clips), batch_size, seed)

    def prepare_data(self) -> None:
        """Look for broken media of the validation and for room for the cache.

        Once on each machine.
        """
        if not self._inspected:
            self._keep_usable()
        super().prepare_data()
        if self._images.cache_folder is not None:
            require_room(self._images.cache_folder, self._missing())

    def setup(self, stage: str) -> None:
        """Leave out what cannot be used, in the processes that have not looked yet."""
        if not self._inspected and self._validated is not None and self._validated.skip_broken:
            self._keep_usable()

    def _keep_usable(self) -> None:
        self._inspected = True
        if self._validated is not None:
            self.validation_samples = usable_samples(
                self.validation_samples,
                self._validated.skip_broken,
                'data.validation.skip_broken',
            )

    def _missing(self) -> list[CachePart]:
        """What the cache of frames lacks of all that will be read."""
        return self._images.missing(self._clips)

    @property
    def longest(self) -> int:
        """See `GroundingData.longest`."""
        return self._images.frames

    def first_examples(self, count: int) -> list[PretrainingExample]:
        """Some of the first examples of training, of different clips.

        Raises:
            DatasetError: a video cannot be read.
        """
        steps = -(-count // self._clip_order.demonstrations)
        draws = [draw for step in range(steps) for draw in self._clip_order.batch(step)]
        examples = []
        for draw in draws[:count]:
            example = self._examples[draw]
            if isinstance(example, FailedExample):
                raise DatasetError(f'{example.reason}; {self._advice}')
            examples.append(example)
        return examples

    @property
    def _order(self) -> DemonstrationOrder:
        return self._clip_order

    def _training_facts(self) -> Iterable[Any]:
        for clip in self._clips:
            video, times = clip.video, clip.video.times[clip.first : clip.last + 1]
            interactions = [asdict(each) for each in clip.interactions]
            yield video.path, video.topic, video.size, clip.first, times, interactions

    @property
    def _advice(self) -> str:
        return f'mine again for an index like {self._index} of the videos that can be read'
