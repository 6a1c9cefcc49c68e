# SPDX-License-Identifier: Apache-2.0
"""Examples that do not fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.augmentation import Example


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'frames': np.zeros((2, 8, 8, 3))}, r'frames: float64 .*; expected uint8 \[T, H, W, 3\]'),
        ({'frames': np.zeros((0, 8, 8, 3), np.uint8)}, r'uint8 \[0, 8, 8, 3\]'),
        ({'image': np.zeros((8, 8), np.uint8)}, r'image: .*; expected uint8 \[H, W, 3\]'),
        ({'actions': (0, 1)}, 'there are 2 actions and 1 sets of points'),
        ({'points': (np.zeros(2),)}, r'shape of points is \(2,\)'),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], message: str) -> None:
    sound = {
        'frames': np.zeros((2, 8, 8, 3), np.uint8),
        'image': np.zeros((8, 8, 3), np.uint8),
        'actions': (0,),
        'points': (np.zeros((1, 2)),),
    }
    with pytest.raises(ValueError, match=message):
        Example(**{**sound, **wrong})
