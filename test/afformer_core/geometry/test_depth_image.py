# SPDX-License-Identifier: Apache-2.0
"""Values, types and units of depth images."""

import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.geometry.depth_image import DepthImage


def test_size() -> None:
    assert DepthImage(np.ones((2, 3), np.float32), 'camera', 5).size == (2, 3)


@pytest.mark.parametrize(
    'values',
    [np.ones((2, 3)), np.ones((2, 3), np.int32), np.ones(3, np.float32), np.ones((0, 3), 'f4')],
)
def test_other_arrays_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r'float32 \[H, W\]'):
        DepthImage(values, 'camera', 0)


def test_millimetres_are_metres_when_they_are_asked_for() -> None:
    depth = DepthImage(np.array([[0, 1, 500], [65535, 0, 4820]], np.uint16), 'camera', 0)

    expected = np.array([[np.nan, 0.001, 0.5], [65.535, np.nan, 4.82]])
    assert depth.values.dtype == np.float32
    np.testing.assert_allclose(depth.values, expected, rtol=1e-6)
    np.testing.assert_allclose(
        depth.at(np.array([[5, 0], [1, 3]])), [[4.82, np.nan], [0.001, 65.535]]
    )


def test_metres_stay_as_they_are() -> None:
    values = np.array([[0.5, np.nan]], np.float32)

    assert DepthImage(values, 'camera', 0).values is values
