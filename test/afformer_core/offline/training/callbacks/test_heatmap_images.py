# SPDX-License-Identifier: Apache-2.0
"""Images beside a heatmap in TensorBoard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.media.video import write_video
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.callbacks.heatmap_images import demonstration_strip


@pytest.mark.parametrize(
    ('levels', 'expected'),
    [
        # The first, the last, and two evenly between.
        ((20, 50, 80, 110, 140, 170, 200), (20, 80, 140, 200)),
        ((40, 200), (40, 200, 0, 0)),
    ],
)
def test_frames_of_a_demonstration_from_its_first_to_its_last(
    tmp_path: Path, levels: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    frames = np.array(levels, np.uint8)[:, None, None, None].repeat(64, 1).repeat(96, 2)
    write_video(tmp_path / 'a.mp4', frames.repeat(3, 3), 5.0)
    sample = Sample('a', tmp_path / 'a.mp4', Path('a.jpg'), (64, 64), (0,), (np.ones((1, 2)),))
    strip = demonstration_strip(sample)

    assert strip.shape == (128, 512, 3)
    # Below the word in the corner.
    found = [strip[64:, 128 * n : 128 * (n + 1)].mean() for n in range(4)]
    assert found == pytest.approx(expected, abs=3)
