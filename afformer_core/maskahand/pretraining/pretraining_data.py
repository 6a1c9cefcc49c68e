# SPDX-License-Identifier: Apache-2.0
"""Pre-training on an index of mined clips, for which nobody labelled anything (section 4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from afformer_core.data.augmentation import ImageOptions
from afformer_core.data.cache_room import CachePart, require_room
from afformer_core.data.clip_cache_size import missing_clips
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import UniformSampling
from afformer_core.data.verification import usable_samples
from afformer_core.errors import DatasetError
from afformer_core.maskahand.mining.index import read_index
from afformer_core.maskahand.pretraining.clip_images import ClipImages
from afformer_core.maskahand.pretraining.hand_free import with_hand_free_frames
from afformer_core.maskahand.pretraining.interactions import interaction_clips
from afformer_core.maskahand.pretraining.pretraining_dataset import (
    PretrainingDataset,
    PretrainingExample,
    collate_pretraining,
)
from afformer_core.maskahand.pretraining.synthesis import SynthesisOptions
from afformer_core.training.datasets.annotated_data import AnnotationSource
from afformer_core.training.datasets.batched_data import Examples, GroundingData
from afformer_core.training.datasets.collation import (
    FailedExample,
    collate_images,
)
from afformer_core.training.datasets.image_data import ImageDataset
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


_SYNTHESIS = SynthesisOptions()
_AS_IT_IS = ImageOptions()


class MaskAHandData(PretrainingData):
    """Clips read from videos in every step, for models that learn as a whole.

    Args:
        index: file that `afformer mine` wrote.
        validation: annotated data, measured without its actions; nothing if it is null.
        input_size: (height, width) of images; the model's, never given.
        frames: of a clip that the model is shown, evenly spaced.
        synthesis: how target images are made of frames with hands.
        targets: target images of each clip of a step, each of another frame and with other masks.
        interactions: frames of a clip that target images are made of at most, evenly spaced among
            those in which a hand interacts.
        image_side: longest side of such a frame, in which masks are drawn before it becomes a
            square; larger ones are made smaller.
        batch_size: clips of a step, over all processes.
        workers: processes that read.
        cache_folder: where decoded and resized clips are kept; nowhere if it is null.
        video: how a clip is changed as a demonstration, all frames alike.
        seed: of the order, and of all that is random in target images.
    """

    def __init__(
        self,
        index: Path,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (256, 256),
        frames: int = 32,
        synthesis: SynthesisOptions = _SYNTHESIS,
        targets: int = 3,
        interactions: int = 8,
        image_side: int = 512,
        batch_size: int = 8,
        workers: int = 2,
        cache_folder: Path | None = None,
        video: ImageOptions = _AS_IT_IS,
        seed: int = 0,
    ) -> None:
        size = (int(input_size[0]), int(input_size[1]))
        images = ClipImages(size, frames, image_side, cache_folder)
        super().__init__(
            index, validation, synthesis, targets, interactions, batch_size, images, video,
            workers, seed,
        )  # fmt: skip

    def _training(self) -> Examples:
        return self._examples, collate_pretraining

    def _validation(self) -> Examples:
        return ImageDataset(self.validation_samples, self._reader, None), collate_images

    def _missing(self) -> list[CachePart]:
        return super()._missing() + missing_clips(self._reader, self.validation_samples)

    @property
    def _reader(self) -> ClipReader:
        """Of the clips of the validation."""
        images = self._images
        sampling = UniformSampling(images.frames)
        return ClipReader(sampling, images.size, images.cache_folder)
