# SPDX-License-Identifier: Apache-2.0
"""The data of a pre-training on an index of mined clips, without labels (paper, section 4.3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.licences import UNKNOWN, Ingredient, Origin
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.offline.data.augmentation.augmentation import ImageSettings
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.interactions import (
    InteractionClip,
    interaction_clip,
)
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingDataset,
    PretrainingExample,
    collate_pretraining,
)
from afformer_core.offline.maskahand.pretraining.synthesis import SynthesisSettings
from afformer_core.offline.training.datasets.batch import (
    Batch,
    FailedExample,
    collate_features,
    collate_images,
)
from afformer_core.offline.training.datasets.batched_data import (
    AnnotationSource,
    Examples,
    GroundingData,
    licensed,
)
from afformer_core.offline.training.datasets.feature_data import (
    FeatureDataset,
    model_in_training,
    open_feature_cache,
)
from afformer_core.offline.training.datasets.feature_files import (
    ImageSet,
    folder_of_part,
    open_features,
)
from afformer_core.offline.training.datasets.image_data import ImageDataset
from afformer_core.offline.training.datasets.samplers import StreamedSampler

_SYNTHESIS = SynthesisSettings()
_AS_IT_IS = ImageSettings()


class MaskAHandData(GroundingData):
    """Clips from which target images are made in every step.

    Args:
        index: index file, written by `afformer mine`, or its URL.
        validation: annotated data, measured without its actions; null: none.
        input_size: (height, width) of images, which comes from the model and is not set.
        frames: maximum number of evenly spaced frames of a demonstration.
        synthesis: settings of the target images, which are made from frames with hands.
        targets: number of target images of each clip in a step, each from another frame and with
            other masks.
        interactions: maximum number of frames of a clip for target images, evenly spaced among
            those in which a hand interacts.
        image_side: maximum side of such a frame, in which masks are drawn before it is resized to
            a square; larger ones are shrunk.
        batch_size: number of clips in a step, over all processes.
        workers: number of reading processes.
        cache_folder: folder for decoded and resized clips; null: none.
        features: whether to compute the features of clips once, in `cache_folder`, for a machine
            without a GPU: target images pass through the whole backbone, but clips only through
            its trained part. At least its first stage must be frozen (see `FeatureData`), and a
            clip of the validation needs at least `frames` frames.
        video: changes of a clip as a demonstration, the same for all frames.
        seed: seed of the order, and of the randomness in target images.
        licence: licence of videos whose dataset does not name one, such as CC-BY-4.0, or `own` for
            your own recordings.
    """

    def __init__(
        self,
        index: Path | str,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (256, 256),
        frames: int = 32,
        synthesis: SynthesisSettings = _SYNTHESIS,
        targets: int = 3,
        interactions: int = 8,
        image_side: int = 512,
        batch_size: int = 8,
        workers: int = 2,
        cache_folder: Path | None = None,
        *,
        features: bool = False,
        video: ImageSettings = _AS_IT_IS,
        seed: int = 0,
        licence: str = UNKNOWN,
    ) -> None:
        size = (int(input_size[0]), int(input_size[1]))
        super().__init__(size, workers)
        self._origin = Origin(Path(index).stem, licence)
        # Before reading the index, because a large one takes a long time.
        if validation is not None:
            self._sources = {'validation': validation}
            self.validation_samples, _ = validation.read()
        hidden_score = synthesis.masks.hidden_score if synthesis.hand_free_share else None
        if features and (cache_folder is None or video != _AS_IT_IS):
            raise ValueError(
                f'features is true with cache_folder {cache_folder} and video {video}; expected '
                'a cache_folder, and a video without changes'
            )
        self._cache_folder = cache_folder
        self._features = features
        self._clips = StoredClips(Path(index), interactions, hidden_score)
        rate = self._clips.table.head.settings.get('folder_rate')
        kept = cache_folder / 'frames' if cache_folder and features else cache_folder
        self._images = ClipImages(size, frames, image_side, kept, rate)
        self._examples = PretrainingDataset(self._clips, self._images, synthesis, targets, video)
        self._sampler = StreamedSampler(len(self._clips), batch_size, seed)
        self._advice = f'Mine again for an index like {index} of the videos that can be read'
        self.longest = frames

    def prepare_data(self) -> None:
        """Check the validation's media, and compute features, once on each machine."""
        super().prepare_data()
        if self._features:
            self._training()
            if self.validation_samples:
                self._validation()

    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the datasets of the clips, and the index for clips without a dataset."""
        known = tuple(
            replace(ingredient, origin=licensed(ingredient.origin, self._origin.licence))
            for ingredient in self._clips.table.head.origins
        )
        others = max(0, len(self._clips) - sum(ingredient.samples for ingredient in known))
        clips = (Ingredient('training data', self._origin, others),) if others else ()
        return (*known, *clips, *super().ingredients())

    @property
    def clips(self) -> Sequence[InteractionClip]:
        """The clips from which examples are made, with frames before the hand if requested."""
        return self._clips

    def first_examples(self, count: int) -> list[PretrainingExample]:
        """Make some of the first examples of training, from different clips.

        Raises:
            DatasetError: a video cannot be read.
        """
        steps = -(-count // self._sampler.demonstrations)
        draws = [draw for step in range(steps) for draw in self._sampler.batch(step)]
        examples = []
        for draw in draws[:count]:
            example = self._examples[draw]
            if isinstance(example, FailedExample):
                raise DatasetError(f'{example.reason}. {self._advice}')
            examples.append(example)
        return examples

    def _training(self) -> Examples:
        if not self._features:
            return self._examples, collate_pretraining
        encoder = model_in_training(self.trainer).video_encoder
        features = open_clip_features(self._folder('clips'), self._clips, encoder, self._images)
        return self._examples, features.collate

    def _validation(self) -> Examples:
        samples = self.validation_samples
        if not self._features:
            images = self._images
            sampling = UniformSampling(images.frames)
            reader = ClipReader(sampling, images.size, images.cache_folder)
            return ImageDataset(samples, reader, None), collate_images
        folder, model = self._folder('validation'), model_in_training(self.trainer)
        cache = open_feature_cache(folder, samples, model, self.input_size, self.longest)
        return FeatureDataset(samples, cache), collate_features

    def _folder(self, name: str) -> Path:
        assert self._cache_folder is not None
        return folder_of_part(self._cache_folder, name, self.input_size)


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


@dataclass(frozen=True)
class ClipFeatures:
    """Backbone stages of demonstrations, float16, memory-mapped from disk.

    Attributes:
        stages: one array for each, fine to coarse, [clips, T, C, h, w]; shorter demonstrations
            repeat their last frame.
        lengths: number of actual frames, int64 [clips].
    """

    stages: tuple[NDArray[np.float16], ...]
    lengths: NDArray[np.int64]

    def collate(self, examples: Sequence[PretrainingExample]) -> Batch:
        """Collate examples to a batch with these features instead of frames of demonstrations."""
        batch = collate_pretraining(examples)
        clips = [example.clip for example in examples]
        return replace(
            batch,
            videos=tuple(torch.from_numpy(stage[clips]) for stage in self.stages),
            lengths=torch.from_numpy(self.lengths[clips]),
        )


def open_clip_features(
    folder: Path, clips: Sequence[InteractionClip], encoder: Encoder, images: ClipImages
) -> ClipFeatures:
    """Open the features of clips; compute them first if they are missing or do not match.

    Args:
        folder: folder of the features.
        clips: all training clips.
        encoder: encoder, whose backbone runs in evaluation mode.
        images: reader of the clips.

    Raises:
        VideoError: a video is missing, damaged, or not the one that was mined.
    """
    lengths = [len(clip.demonstration(images.frames)) for clip in clips]
    positions = np.arange(max(lengths))

    def read(number: int) -> NDArray[np.uint8]:
        shown = images.read(clips[number]).demonstration
        return shown[np.minimum(positions, len(shown) - 1)]

    demonstrations = ImageSet('demonstrations', range(len(clips)), read)
    key = {'clips': _digest(clips, images)}
    features = open_features(folder, [demonstrations], encoder, key)
    return ClipFeatures(features['demonstrations'], np.array(lengths))


def _digest(clips: Sequence[InteractionClip], images: ClipImages) -> str:
    """Hash the frames of each clip and the state of each video, to detect changes."""
    digest = hashlib.sha256(json.dumps(images.size).encode())
    fingerprints: dict[tuple[Path, str], str] = {}
    for clip in clips:
        source = clip.video.path, clip.video.topic
        if source not in fingerprints:
            fingerprints[source] = images.fingerprint(clip.video)
        times = [clip.video.times[number] for number in clip.demonstration(images.frames)]
        facts = (str(source[0].resolve()), source[1], fingerprints[source], times)
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()
