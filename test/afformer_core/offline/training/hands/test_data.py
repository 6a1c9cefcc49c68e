# SPDX-License-Identifier: Apache-2.0
"""Images of hands become batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.errors import DatasetError
from afformer_core.offline.data.augmentation.geometric import CropSettings
from afformer_core.offline.training.datasets.batch import FailedBatch
from afformer_core.offline.training.datasets.batched_data import collated
from afformer_core.offline.training.datasets.samplers import Draw
from afformer_core.offline.training.hands.data import (
    HandAugmentation,
    HandBatch,
    HandData,
    HandDataset,
    HandSource,
    collate_hands,
    mirrored,
)

from .conftest import write_hands


def batch(folder: Path, *indices: int) -> HandBatch:
    dataset = HandDataset(HandSource(folder, 'test').read(), None)
    return collate_hands([dataset[Draw((index,), (0, index))] for index in indices])


def test_a_batch_is_what_torchvision_takes(hands: Path) -> None:
    made = batch(hands, 1, 2, 3)

    assert [image.shape for image in made.images] == [(3, 64, 64)] * 3
    assert made.images[0].dtype == torch.uint8
    assert made.targets[0]['boxes'].tolist() == [[12.0, 12.0, 42.0, 48.0]]
    # Contact, no contact, and no hand at all.
    assert [each['labels'].tolist() for each in made.targets] == [[2], [1], []]
    assert made.targets[2]['boxes'].shape == (0, 4)
    assert made.targets[2]['labels'].dtype == torch.int64
    assert made.samples == (1, 2, 3)
    moved = made.to(torch.device('meta'))
    tensors = [*moved.images, *(x for each in moved.targets for x in each.values())]
    assert {tensor.device.type for tensor in tensors} == {'meta'}
    assert moved.samples == (1, 2, 3)
    half = HandSource(hands, 'test', 0.5).read()
    assert len(half) == 2
    assert half == HandSource(hands, 'test', 0.5).read()


def test_an_image_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = write_hands(tmp_path / 'hands')
    path = folder / 'Annotations' / '0.xml'
    path.write_text(path.read_text().replace('<width>64', '<width>65'))
    (folder / 'JPEGImages' / '2.jpg').write_bytes(b'\xff\xd8 half of it')
    dataset = HandDataset(HandSource(folder, 'test').read(), None)
    for index, message in ((0, '0.jpg: the size is 64x64; expected 65x64'), (2, '2.jpg')):
        made = collated(collate_hands, [dataset[Draw((i,), (0, i))] for i in (1, index)])
        assert isinstance(made, FailedBatch)
        assert message in made.reason
        data = HandData(HandSource(folder, 'test'))
        with pytest.raises(DatasetError, match=r'jpg.*Leave it out of its split'):
            data.on_before_batch_transfer(made, 0)


BOXES = np.array([[20.0, 10.0, 30.0, 40.0]])


def square_image() -> np.ndarray:
    """Dark, 80 wide and 60 high, and white in the box."""
    image = np.full((60, 80, 3), 40, np.uint8)
    image[10:40, 20:30] = 255
    return image


def white(image: np.ndarray) -> list[int]:
    """The box of what is white."""
    rows, columns = np.nonzero(image[..., 0] > 150)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_mirrored() -> None:
    image, boxes = mirrored(square_image(), BOXES)

    assert boxes.tolist() == [[50.0, 10.0, 60.0, 40.0]]
    assert white(image) == [50, 10, 60, 40]


@pytest.mark.parametrize('seed', range(8))
def test_cropped(seed: int) -> None:
    settings = HandAugmentation(crop=CropSettings(scale=(0.2, 0.5), aspect=(0.7, 1.4)))
    image, boxes = settings.apply(square_image(), BOXES, np.random.default_rng(seed))

    assert image.shape == (60, 80, 3)
    assert white(image) == pytest.approx(boxes[0].tolist(), abs=1.5)
    assert np.diff(boxes[0].reshape(2, 2), axis=0).min() > 8


def test_what_is_drawn_depends_on_the_rng_alone() -> None:
    settings = HandAugmentation(0.5, crop=CropSettings(scale=(0.2, 0.5)))
    first, second, other = (
        settings.apply(square_image(), BOXES, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )

    np.testing.assert_array_equal(first[0], second[0])
    none, _ = settings.apply(square_image(), np.empty((0, 4)), np.random.default_rng(3))
    assert not np.array_equal(none, square_image())
    assert not np.array_equal(first[0], other[0])


def test_out_of_range() -> None:
    with pytest.raises(ValueError, match=r'flip is 1\.5; expected 0 to 1'):
        HandAugmentation(flip=1.5)
