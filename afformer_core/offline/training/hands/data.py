# SPDX-License-Identifier: Apache-2.0
"""Training and validation images of hands, in 100DOH's layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.hands.faster_rcnn import image_tensor
from afformer_core.hands.hand import CONTACT, NO_CONTACT
from afformer_core.hands.hand_annotations import AnnotatedImage, read_hand_annotations
from afformer_core.licences import UNKNOWN, Ingredient, Origin, Use
from afformer_core.media.images import read_image
from afformer_core.offline.data.augmentation.geometric import CropSettings, draw_crop, warp_images
from afformer_core.offline.data.augmentation.photometric import (
    PhotometricSettings,
    draw_colour_change,
    require_shares,
)
from afformer_core.offline.training.datasets.batch import FailedExample, Movable
from afformer_core.offline.training.datasets.batched_data import BatchedData, Examples, drawn_share
from afformer_core.offline.training.datasets.samplers import DemonstrationSampler, Draw

_RgbImage = NDArray[np.uint8]
_Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class HandAugmentation:
    """The maximum random changes of images of hands; by default there are none.

    Attributes:
        flip: probability of mirroring, 0 to 1.
        photometric: changes of colour.
        crop: enlarged crops, which contain the centre of every hand.

    Raises:
        ValueError: a value is out of its range.
    """

    flip: float = 0.0
    photometric: PhotometricSettings = field(default_factory=PhotometricSettings)
    crop: CropSettings = field(default_factory=CropSettings)

    def __post_init__(self) -> None:
        require_shares(self, 'flip')

    def apply(
        self, image: _RgbImage, boxes: _Boxes, rng: np.random.Generator
    ) -> tuple[_RgbImage, _Boxes]:
        """Change an image and its boxes.

        Args:
            image: uint8 RGB [H, W, 3].
            boxes: float64 [N, 4], (left, top, right, bottom), of the edges of pixels.
            rng: random generator, which alone determines the result.

        Returns:
            image and boxes, which are clipped to it.
        """
        if rng.random() < self.flip:
            image, boxes = mirrored(image, boxes)
        size = (image.shape[0], image.shape[1])
        # The crop has integer coordinates at the centres of pixels.
        centres = [(box.reshape(2, 2).mean(axis=0) - 0.5)[None] for box in boxes]
        crop = draw_crop(self.crop, size, rng, centres or None)
        if crop is not None:
            image, boxes = warp_images(image[None], crop)[0], _moved(boxes, crop, size)
        change = draw_colour_change(self.photometric, rng)
        return (image if change is None else change.apply(image[None])[0]), boxes


def mirrored(image: _RgbImage, boxes: _Boxes) -> tuple[_RgbImage, _Boxes]:
    """Mirror an image and its boxes left to right (see `HandAugmentation.apply`)."""
    width = image.shape[1]
    left, top, right, bottom = boxes.T
    turned = np.stack((width - right, top, width - left, bottom), axis=1)
    return image[:, ::-1], turned


def _moved(boxes: _Boxes, crop: NDArray[np.float64], size: tuple[int, int]) -> _Boxes:
    """Convert boxes to an enlarged crop, clipped to it."""
    corners = boxes.reshape(-1, 2, 2) - 0.5
    moved = corners * crop.diagonal()[:2] + crop[:2, 2] + 0.5
    return np.asarray(moved.clip(0, (size[1], size[0]))).reshape(-1, 4)


_NO_AUGMENTATION = HandAugmentation()


@dataclass(frozen=True)
class HandExample:
    """An image and the hands in it.

    Attributes:
        image: uint8 RGB [H, W, 3].
        boxes: float64 [N, 4], (left, top, right, bottom) in pixels, of their edges.
        contacts: bool [N].
        sample: index in the dataset.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    contacts: NDArray[np.bool_]
    sample: int


@dataclass(frozen=True)
class HandBatch(Movable):
    """Images, each of its own size.

    Attributes:
        images: each uint8 RGB [3, H, W].
        targets: for each image, `boxes` float [N, 4] and `labels` [N], as for torchvision's
            detectors.
        samples: index in the dataset of each image.
    """

    images: tuple[Tensor, ...]
    targets: tuple[dict[str, Tensor], ...]
    samples: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.images)


def collate_hands(examples: Sequence[HandExample]) -> HandBatch:
    """Collate examples, with labels as torchvision's detectors expect them."""
    targets = [
        {
            'boxes': torch.from_numpy(example.boxes).float(),
            'labels': torch.where(torch.from_numpy(example.contacts), CONTACT, NO_CONTACT),
        }
        for example in examples
    ]
    return HandBatch(
        tuple(image_tensor(example.image) for example in examples),
        tuple(targets),
        tuple(example.sample for example in examples),
    )


@dataclass(frozen=True)
class HandSource:
    """The images of a dataset.

    Attributes:
        folder: folder of the dataset.
        split: name of a list of images in it.
        share: share of the images, drawn at random; above 0, at most 1.
        licence: licence of the images, such as CC-BY-4.0, or `own` for your own recordings.

    Raises:
        ValueError: the share is out of its range.
    """

    folder: Path
    split: str
    share: float = 1.0
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f'share is {self.share}; expected above 0 and at most 1')

    def read(self) -> list[AnnotatedImage]:
        """Read the annotations; the images are not opened.

        Raises:
            DatasetError: see `read_hand_annotations`.
        """
        return drawn_share(read_hand_annotations(Path(self.folder), self.split), self.share)


def _ingredient(use: Use, source: HandSource, count: int) -> Ingredient:
    return Ingredient(use, Origin(source.folder.resolve().name, source.licence), count)


class HandData(BatchedData):
    """Images read from disk in every step.

    Args:
        train: training images.
        validation: validation images; null: none.
        batch_size: number of images in a step, over all processes.
        workers: number of reading processes.
        augmentation: random changes in training.
        seed: seed of the order and of augmentation.
    """

    validation_samples: list[AnnotatedImage]
    _advice = 'Leave it out of its split, or copy it again'

    def __init__(
        self,
        train: HandSource,
        validation: HandSource | None = None,
        batch_size: int = 16,
        workers: int = 2,
        augmentation: HandAugmentation = _NO_AUGMENTATION,
        seed: int = 0,
    ) -> None:
        super().__init__(workers)
        self._images = train.read()
        self.validation_samples = [] if validation is None else validation.read()
        self._ingredients = [_ingredient('training data', train, len(self._images))]
        if validation is not None:
            count = len(self.validation_samples)
            self._ingredients.append(_ingredient('validation data', validation, count))
        self._sampler = DemonstrationSampler(len(self._images), batch_size, seed)
        self._augmentation = augmentation

    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the folders of the images (see `BatchedData.ingredients`)."""
        return tuple(self._ingredients)

    def _training(self) -> Examples:
        return HandDataset(self._images, self._augmentation), collate_hands

    def _validation(self) -> Examples:
        return HandDataset(self.validation_samples, None), collate_hands


class HandDataset(Dataset[HandExample | FailedExample]):
    """A dataset of examples by their `Draw`; one that cannot be read is a `FailedExample`.

    Args:
        images: images that draws refer to.
        augmentation: augmentation in training; None leaves images unchanged.
    """

    def __init__(
        self, images: Sequence[AnnotatedImage], augmentation: HandAugmentation | None
    ) -> None:
        self._images = images
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, draw: Draw) -> HandExample | FailedExample:
        (index,) = draw.indices
        annotated = self._images[index]
        try:
            image = _read(annotated)
        except (AfformerError, OSError, ValueError) as error:
            return FailedExample(f'{annotated.image}: {error}')
        boxes = np.array([hand.box for hand in annotated.hands], np.float64).reshape(-1, 4)
        contacts = np.array([hand.contact for hand in annotated.hands], np.bool_)
        if self._augmentation is not None:
            rng = np.random.default_rng(draw.seed)
            image, boxes = self._augmentation.apply(image, boxes, rng)
        return HandExample(image, boxes, contacts, index)


def _read(annotated: AnnotatedImage) -> NDArray[np.uint8]:
    """Read an image, uint8 RGB [H, W, 3].

    Raises:
        ImageError: the image cannot be read.
        DatasetError: its size differs from its annotation.
    """
    image = read_image(annotated.image)
    found = (image.shape[1], image.shape[0])
    if found != annotated.size:
        raise DatasetError(
            f'the size is {found[0]}x{found[1]}; expected '
            f'{annotated.size[0]}x{annotated.size[1]}, for which the boxes were annotated'
        )
    return image
