# SPDX-License-Identifier: Apache-2.0
"""The part of a video that a sample's demonstration is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.sample import Sample

WHOLE = Sample(
    sample_id='train/0',
    video_path=Path('kettle/video.mov'),
    image_path=Path('kettle.jpg'),
    image_size=(40, 30),
    actions=(0,),
    points=(np.zeros((1, 2)),),
)


def test_parts_of_one_video_are_demonstrations_of_their_own() -> None:
    first, second = replace(WHOLE, clip=(0.0, 4.0)), replace(WHOLE, clip=(4.0, 7.25))
    assert WHOLE.demonstration == 'kettle/video.mov'
    assert first.demonstration == 'kettle/video.mov#t=0.0,4.0'
    assert second.demonstration == 'kettle/video.mov#t=4.0,7.25'


@pytest.mark.parametrize(
    'clip', [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (0.0, float('inf')), (float('nan'), 2.0)]
)
def test_a_clip_out_of_order_is_refused(clip: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match='must begin at 0 s or later and end after that'):
        replace(WHOLE, clip=clip)
