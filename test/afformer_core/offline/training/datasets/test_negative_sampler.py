# SPDX-License-Identifier: Apache-2.0
"""Which samples show another object."""

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.negative_sampler import NegativeSampler


def sample(video: str, image: str, object_id: str | None = None) -> Sample:
    points = (np.zeros((1, 2)),)
    name = f'{video} {image}'
    return Sample(name, Path(video), Path(image), (8, 8), (0,), points, object_id=object_id)


def drawn(samples: list[Sample], index: int) -> set[int]:
    return set(NegativeSampler(samples).draw(index, 100, np.random.default_rng(0)))


def test_another_folder_is_another_object() -> None:
    samples = [
        sample('cup/a.mp4', '0.jpg'),
        sample('cup/b.mp4', '1.jpg'),
        sample('jug/c.mp4', '2.jpg'),
        sample('pot/d.mp4', '3.jpg'),
    ]

    assert drawn(samples, 0) == drawn(samples, 1) == {2, 3}
    assert drawn(samples, 2) == {0, 1, 3}


def test_an_image_joins_the_folders_of_its_demonstrations() -> None:
    """Cup and mug are demonstrated for one image, so that an image of a mug shows the cup."""
    samples = [
        sample('cup/a.mp4', '0.jpg'),
        sample('mug/b.mp4', '0.jpg'),
        sample('mug/c.mp4', '1.jpg'),
        sample('jug/d.mp4', '2.jpg'),
    ]

    assert drawn(samples, 0) == drawn(samples, 2) == {3}


def test_in_one_folder_demonstrations_tell_objects_apart() -> None:
    samples = [sample('a.mp4', '0.jpg'), sample('a.mp4', '1.jpg'), sample('b.mp4', '2.jpg')]

    assert drawn(samples, 0) == drawn(samples, 1) == {2}
    assert drawn(samples, 2) == {0, 1}


def test_none_is_drawn_twice_where_there_are_enough() -> None:
    samples = [sample(f'{number}/a.mp4', f'{number}.jpg') for number in range(4)]
    found = NegativeSampler(samples).draw(2, 3, np.random.default_rng(0))

    assert sorted(found) == [0, 1, 3]


def test_samples_of_the_same_object_are_not_drawn() -> None:
    samples = [
        sample('cup/a.mp4', '0.jpg', 'cup'),
        sample('cup/more/b.mp4', '1.jpg', 'cup'),
        sample('jug/c.mp4', '2.jpg', 'jug'),
    ]

    assert drawn(samples, 0) == drawn(samples, 1) == {2}
    assert drawn(samples, 2) == {0, 1}


def test_one_known_object_alone() -> None:
    samples = [sample('cup/a.mp4', '0.jpg', 'cup'), sample('cup/b.mp4', '1.jpg', 'cup')]

    with pytest.raises(DatasetError, match=r'Set data\.negative_targets to 0'):
        NegativeSampler(samples)


def test_one_object_alone() -> None:
    with pytest.raises(DatasetError, match=r'Set data\.negative_targets to 0'):
        NegativeSampler([sample('a.mp4', '0.jpg'), sample('a.mp4', '1.jpg')])
