# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol

PROTOCOL = ButtonsProtocol((8, 8))


def corners(left, top, right, bottom):
    """Of a box whose first pixels are left and top and whose last are right - 1 and bottom - 1."""
    edges = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return edges - 0.5


def sample(*boxes, element=0, size=(16, 8)):
    outlines = tuple(corners(*each) for each in boxes)
    count = len(outlines)
    scene = KnownElements('panel', element, outlines, ('button',) * count, (True,) * count)
    points = outlines[element].mean(0, keepdims=True)
    return Sample('s', Path('a.mp4'), Path('a.jpg'), size, (0,), (points,), scene)


def target(*boxes, **options):
    return PROTOCOL.targets(PROTOCOL.rows([sample(*boxes, **options)]))[0]


def test_target_is_even_over_the_demonstrated_box():
    expected = np.zeros((8, 8))
    expected[2:6, 1:3] = 1 / 8
    assert target((10, 0, 16, 8), (2, 2, 6, 6), element=1) == pytest.approx(expected, abs=1e-8)


def test_a_pixel_that_is_covered_in_part_has_that_part():
    # From 1 to 4 of 16 pixels, which are 0.5 to 2 of 8.
    assert target((1, 0, 4, 1))[0, :4] == pytest.approx([1 / 3, 2 / 3, 0, 0], abs=1e-8)


def test_what_of_a_box_lies_outside_does_not_count():
    assert target((14, 6, 20, 12))[6:, 6:] == pytest.approx(
        np.array([[0, 0.5], [0, 0.5]]), abs=1e-8
    )


def test_a_box_that_is_finer_than_the_grid_is_a_point():
    found = target((8, 4, 9, 5), size=(1600, 800))
    assert np.argwhere(found > 0.5).tolist() == [[0, 0]]
    # The centre of the pixel that begins at 400 lies in the third of eight.
    edge = target((400, 300, 401, 301), size=(1600, 800))
    assert np.argwhere(edge > 0.5).tolist() == [[3, 2]]
    outside = target((1700, 900, 1701, 901), size=(1600, 800))
    assert np.argwhere(outside > 0.5).tolist() == [[7, 7]]


def test_target_is_zero_nowhere():
    found = target((2, 2, 6, 6))
    assert 0 < found.min() < 1e-10
    assert found.sum() == pytest.approx(1)


def test_a_row_for_each_action():
    one = sample((2, 2, 6, 6))
    two = replace(one, actions=(3, 1), points=one.points * 2)
    assert [row.action for row in PROTOCOL.rows([one, two])] == [0, 3, 1]


def test_samples_without_boxes_are_refused():
    bare = replace(sample((2, 2, 6, 6)), scene=None)
    with pytest.raises(DatasetError, match='needs boxes of buttons, and s has none; give'):
        PROTOCOL.rows([bare])
