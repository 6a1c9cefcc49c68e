# SPDX-License-Identifier: Apache-2.0
"""Pre-training on an index of mined clips, for which nobody labelled anything (section 4.3)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from afformer_core.data.augmentation import ImageOptions
from afformer_core.data.cache_room import CachePart
from afformer_core.data.clip_cache_size import missing_clips
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import UniformSampling
from afformer_core.maskahand.pretraining.clip_data import PretrainingData
from afformer_core.maskahand.pretraining.clip_features import ClipFeatures, open_clip_features
from afformer_core.maskahand.pretraining.clip_images import ClipImages
from afformer_core.maskahand.pretraining.pretraining_dataset import (
    collate_pretraining,
    collate_with_features,
)
from afformer_core.maskahand.pretraining.synthesis import SynthesisOptions
from afformer_core.training.datasets.annotated_data import AnnotationSource
from afformer_core.training.datasets.batched_data import Examples
from afformer_core.training.datasets.collation import collate_features, collate_images
from afformer_core.training.datasets.feature_cache import FeatureCache, open_feature_cache
from afformer_core.training.datasets.feature_data import FeatureDataset, frozen_encoders
from afformer_core.training.datasets.image_data import ImageDataset

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


class MaskAHandFeatureData(PretrainingData):
    """Clips as a frozen backbone sees them, computed once; images are made in every step.

    It is for machines without a GPU: each image has to pass the backbone, but no clip the frozen
    part of it. At least its first stage is frozen; see `FeatureData`.

    Args:
        index: file that `afformer mine` wrote.
        cache_folder: where features of clips and frames with hands are kept.
        validation: annotated data, measured without its actions; nothing if it is null. Each of
            its clips has at least `frames` frames.
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
        seed: of the order, and of all that is random in target images.
    """

    def __init__(
        self,
        index: Path,
        cache_folder: Path,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (128, 128),
        frames: int = 8,
        synthesis: SynthesisOptions = _SYNTHESIS,
        targets: int = 3,
        interactions: int = 8,
        image_side: int = 256,
        batch_size: int = 12,
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        size = (int(input_size[0]), int(input_size[1]))
        self._cache_folder = Path(cache_folder)
        kept = self._cache_folder / 'frames'
        images = ClipImages(size, frames, image_side, kept)
        super().__init__(
            index, validation, synthesis, targets, interactions, batch_size, images, _AS_IT_IS,
            workers, seed,
        )  # fmt: skip

    def prepare_data(self) -> None:
        """Compute the features, once on each machine."""
        super().prepare_data()
        self._clip_features()
        if self.validation_samples:
            self._validation_features()

    def _training(self) -> Examples:
        return self._examples, partial(collate_with_features, self._clip_features())

    def _validation(self) -> Examples:
        dataset = FeatureDataset(self.validation_samples, self._validation_features())
        return dataset, collate_features

    def _clip_features(self) -> ClipFeatures:
        encoder = frozen_encoders(self.trainer).video
        return open_clip_features(self._folder('clips'), self._clips, encoder, self._images)

    def _validation_features(self) -> FeatureCache:
        return open_feature_cache(
            self._folder('validation'),
            self.validation_samples,
            frozen_encoders(self.trainer),
            self.input_size,
            self._images.frames,
        )

    def _folder(self, name: str) -> Path:
        return self._cache_folder / f'{name}_{"x".join(map(str, self.input_size))}'
