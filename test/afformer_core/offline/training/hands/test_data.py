# SPDX-License-Identifier: Apache-2.0
"""Images of hands become batches."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from afformer_core.errors import DatasetError
from afformer_core.offline.training.datasets.batch import FailedBatch
from afformer_core.offline.training.datasets.samplers import Draw
from afformer_core.offline.training.hands.augmentation import HandAugmentation
from afformer_core.offline.training.hands.data import (
    HandBatch,
    HandData,
    HandDataset,
    HandExample,
    HandSource,
    collate_hands,
    read_motion,
    read_still,
)

from .conftest import write_hands


def batch(folder: Path, *indices: int) -> HandBatch | FailedBatch:
    dataset = HandDataset(HandSource(folder, 'test').read(), read_still, None)
    return collate_hands([dataset[Draw((index,), (0, index))] for index in indices])


def test_a_batch_is_what_torchvision_takes(hands: Path) -> None:
    made = batch(hands, 1, 2, 3)

    assert isinstance(made, HandBatch)
    assert [image.shape for image in made.images] == [(3, 64, 64)] * 3
    assert made.images[0].dtype == torch.uint8
    assert made.targets[0]['boxes'].tolist() == [[12.0, 12.0, 42.0, 48.0]]
    # Contact, no contact, and no hand at all.
    assert [each['labels'].tolist() for each in made.targets] == [[2], [1], []]
    assert made.targets[2]['boxes'].shape == (0, 4)
    assert made.targets[2]['labels'].dtype == torch.int64
    assert made.targets[0]['contact_points'].isnan().all()
    assert made.targets[2]['contact_points'].shape == (0, 2)
    assert made.samples == (1, 2, 3)
    moved = made.to(torch.device('meta'))
    tensors = [*moved.images, *(x for each in moved.targets for x in each.values())]
    assert {tensor.device.type for tensor in tensors} == {'meta'}
    assert moved.samples == (1, 2, 3)
    half = HandSource(hands, 'test', 0.5).read()
    assert len(half) == 2
    assert half == HandSource(hands, 'test', 0.5).read()


def write_neighbours(folder: Path, name: str, greys: tuple[int, ...], height: int = 64) -> None:
    """The frames around an image, each of one grey."""
    for step, grey in zip(('-3', '-2', '-1', '+1', '+2', '+3'), greys, strict=True):
        part = folder / f'JPEGImages{step}'
        part.mkdir()
        cv2.imwrite(str(part / name), np.full((height, 64, 3), grey, np.uint8))


def test_neighbours_are_around_a_image(tmp_path: Path) -> None:
    folder = write_hands(tmp_path / 'hands')
    write_neighbours(folder, '3.jpg', (40, 50, 60, 200, 210, 220))
    with_them, without = HandSource(folder, 'test').read()[3], HandSource(folder, 'test').read()[0]

    assert read_motion(with_them)[:, 5, 5, 0].tolist() == pytest.approx(
        [40, 50, 60, 100, 200, 210, 220], abs=2
    )
    # Of an image that nobody knows more of, nothing moves.
    still = read_motion(without)
    assert still.shape == (7, 64, 64, 3)
    dataset = HandDataset(HandSource(folder, 'test').read(), read_motion, None)
    made = collate_hands([dataset[Draw((0,), (0, 0))]])
    assert isinstance(made, HandBatch)
    assert made.images[0].shape == (21, 64, 64)
    assert np.ptp(still.astype(int), axis=0).max() == 0


def test_a_cut_shows_another_image(tmp_path: Path) -> None:
    folder = write_hands(tmp_path / 'hands')
    images = HandSource(folder, 'test').read()
    cut = HandDataset(images, read_motion, HandAugmentation(cut=1.0))
    still = HandDataset(images, read_motion, HandAugmentation())
    made = [cut[Draw((0,), (seed, 0))] for seed in range(20)]
    frames = [each.frames for each in made if isinstance(each, HandExample)]
    same = still[Draw((0,), (0, 0))]

    assert isinstance(same, HandExample)
    assert all((each[3] == same.frames[3]).all() for each in frames)
    assert any((each != same.frames).any() for each in frames)


def test_what_is_touched_moves_with_the_hand(tmp_path: Path) -> None:
    folder = write_hands(tmp_path / 'hands')
    path = folder / 'Annotations' / '1.xml'
    edges = zip(('xmin', 'ymin', 'xmax', 'ymax'), (41, 11, 50, 20), strict=True)
    edges_of_object = ''.join(f'<obj{key}>{edge}</obj{key}>' for key, edge in edges)
    path.write_text(path.read_text().replace('<contactstate>', f'{edges_of_object}<contactstate>'))
    images = HandSource(folder, 'test').read()

    mirrors = HandDataset(images, read_still, HandAugmentation(flip=1.0))
    made = collate_hands([mirrors[Draw((1,), (0, 1))]])

    assert isinstance(made, HandBatch)
    # It was at (45, 15), and the hand from 12 to 42.
    assert made.targets[0]['contact_points'].tolist() == [[19.0, 15.0]]
    assert made.targets[0]['boxes'].tolist() == [[22.0, 12.0, 52.0, 48.0]]


def test_an_image_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = write_hands(tmp_path / 'hands')
    path = folder / 'Annotations' / '0.xml'
    path.write_text(path.read_text().replace('<width>64', '<width>65'))
    (folder / 'JPEGImages' / '2.jpg').write_bytes(b'\xff\xd8 half of it')
    write_neighbours(folder, '3.jpg', (0,) * 6, height=32)
    dataset = HandDataset(HandSource(folder, 'test').read(), read_motion, None)
    for index, message in (
        (0, '0.jpg: the size is 64x64; expected 65x64'),
        (2, '2.jpg'),
        (3, '3.jpg: all input arrays must have the same shape'),
    ):
        made = collate_hands([dataset[Draw((i,), (0, i))] for i in (1, index)])
        assert isinstance(made, FailedBatch)
        assert message in made.reason
        data = HandData(HandSource(folder, 'test'))
        with pytest.raises(DatasetError, match=r'jpg.*Leave it out of its split'):
            data.on_before_batch_transfer(made, 0)
