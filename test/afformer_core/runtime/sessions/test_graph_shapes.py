# SPDX-License-Identifier: Apache-2.0
"""The shapes of the images that a matching network encodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from afformer_core.models import small_matching
from afformer_core.runtime.model_folder import MatchingDescription
from afformer_core.runtime.sessions.graph_shapes import ShapeRange, shape_ranges

Size = tuple[int, int]


@pytest.mark.parametrize(
    ('long_sides', 'smallest', 'usual', 'largest'),
    [
        ((), (128, 192), (128, 192), (128, 192)),
        ((96, 256), (32, 32), (192, 256), (256, 256)),
        ((96, 128), (32, 32), (96, 128), (192, 192)),
    ],
)
def test_images_have_any_aspect_at_each_scale(
    long_sides: tuple[int, ...], smallest: Size, usual: Size, largest: Size
) -> None:
    configuration = replace(small_matching((128, 192)), long_sides=long_sides)

    ranges = shape_ranges(MatchingDescription(configuration, 'abc', {}))

    expected = ShapeRange((1, *smallest, 3), (1, *usual, 3), (8, *largest, 3))
    assert ranges == {'encode': {'images': expected}}
    for image in ((1, 900), (900, 1), (300, 400), (1, 1)):
        for scale in configuration.scales(image):
            for low, side, high in zip(smallest, scale, largest, strict=True):
                assert low <= side <= high
