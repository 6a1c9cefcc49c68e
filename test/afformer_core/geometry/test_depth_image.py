# SPDX-License-Identifier: Apache-2.0
"""What a depth image may hold."""

import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.geometry.depth_image import DepthImage


def test_size() -> None:
    assert DepthImage(np.ones((2, 3), np.float32), 'camera', 5).size == (2, 3)


@pytest.mark.parametrize(
    'values',
    [np.ones((2, 3)), np.ones((2, 3), np.uint16), np.ones(3, np.float32), np.ones((0, 3), 'f4')],
)
def test_other_arrays_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r'float32 \[H, W\]'):
        DepthImage(values, 'camera', 0)
