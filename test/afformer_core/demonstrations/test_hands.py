# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.demonstrations.hands import HandActivity
from afformer_core.media.video import VideoReader


@pytest.fixture
def hands():
    return HandActivity()


def test_hands_of_a_real_demonstration_are_seen(hands, test_data):
    path = test_data / 'opra' / 'clips' / 'seattle' / '1' / '193' / '217.5_6.5.mp4'
    with VideoReader(path) as reader:
        seen = [hands.observe(frame.image, frame.time) for frame in reader]
    with_hand, without = seen[:116], seen[120:]
    assert sum(one.hands > 0 for one in with_hand) >= 110
    assert sum(one.active for one in with_hand) >= 105
    assert sum(one.active for one in without) <= 2


def test_a_frame_with_the_stamp_of_the_one_before(hands):
    image = np.zeros((120, 160, 3), np.uint8)
    assert [hands.observe(image, 1.0).hands for _ in range(3)] == [0, 0, 0]
