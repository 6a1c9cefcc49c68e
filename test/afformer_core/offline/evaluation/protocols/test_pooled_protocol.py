# SPDX-License-Identifier: Apache-2.0
"""The protocol of earlier work: a row is of an image and an action."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.pooled_protocol import PooledProtocol


def sample(
    image: str, actions: tuple[int, ...], *points: tuple[float, float], width: int = 512
) -> Sample:
    positions = tuple(np.array([point]) for point in points)
    return Sample(image, Path('a.mp4'), Path(image), (width, 256), actions, positions)


def test_rows_are_of_an_image_and_an_action_with_all_of_their_points() -> None:
    rows = PooledProtocol().rows(
        [
            sample('a.jpg', (3, 1), (100, 50), (20, 30)),
            sample('b.jpg', (3,), (4, 4)),
            sample('a.jpg', (3,), (200, 60)),
        ]
    )
    assert [(row.image, row.action) for row in rows] == [('a.jpg', 3), ('a.jpg', 1), ('b.jpg', 3)]
    assert rows[0].points.tolist() == [[100, 50], [200, 60]]
    assert {row.image_size for row in rows} == {(512, 256)}
    assert [row.group for row in rows] == ['a.jpg', 'a.jpg', 'b.jpg']


def test_rows_without_a_point_inside_are_left_out_where_that_is_asked() -> None:
    samples = [
        sample('a.jpg', (0, 1), (-20, 50), (-0.5, 50)),
        sample('b.jpg', (0, 1), (511.5, 255.5), (256, 256)),
    ]
    kept = PooledProtocol(without_empty=True).rows(samples)
    assert [(row.image, row.action) for row in kept] == [('a.jpg', 1), ('b.jpg', 0)]
    assert len(PooledProtocol().rows(samples)) == 4


def test_points_are_in_pixels_of_the_size_that_an_image_is_first_annotated_with() -> None:
    (row,) = PooledProtocol().rows(
        [sample('a.jpg', (0,), (100, 50)), sample('a.jpg', (0,), (100, 50), width=1024)]
    )
    assert row.points.tolist() == [[100, 50], [50, 50]]
    assert row.image_size == (512, 256)


def test_names_and_epsilon() -> None:
    assert PooledProtocol().name == 'pooled28'
    assert PooledProtocol(without_empty=True).name == 'pooled28-noempty'
    assert PooledProtocol.epsilon == 1e-12
    assert PooledProtocol.size == (28, 28)
