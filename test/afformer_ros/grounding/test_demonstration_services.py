# SPDX-License-Identifier: Apache-2.0
"""Trimming, several demonstrations together and bags, as the services show them."""

import numpy as np
import pytest

from afformer_core.messages.image_encoding import image_message
from afformer_ros.rclpy_messages import RclpyMessages


def _scene(number):
    """A still scene in the images 0 to 9 and from 20 on; a square moves in those between."""
    rows, columns = np.mgrid[:48, :64]
    scene = (100 + 60 * np.sin(rows / 5) * np.cos(columns / 7)).astype(np.uint8)
    image = np.repeat(scene[..., None], 3, axis=2)
    if 10 <= number < 20:
        left = 4 * (number - 8)
        image[12:32, left : left + 14] = 10
    return image


def _record(client, name):
    assert client.start(name).success
    for number in range(30):
        message = image_message(RclpyMessages(), _scene(number), 'rgb8', client.header(number))
        client.send_frame(message, number + 1)
    answer = client.finish()
    assert answer.success, answer.message
    return answer


@pytest.fixture
def trimming(nodes):
    nodes.grounding(trim_demonstrations=True, demonstration_folders=f'["{nodes.store}"]')
    client = nodes.client()
    client.bring_up()
    return client


def test_trimming_bags_and_several_together(trimming, nodes):
    answer = _record(trimming, 'left')
    assert (answer.frames, answer.frames_kept, answer.trimmed_by) == (30, 20, 'motion')
    assert answer.duration == pytest.approx(2.9, abs=1e-3)
    assert 0.4 <= answer.begin <= 0.9
    assert 2.3 <= answer.end <= 2.8
    assert f'used from {answer.begin:.1f} to {answer.end:.1f} s by its motion' in answer.message

    loaded = trimming.load(f'{nodes.store}/left.mcap#demonstration', 'right')
    assert loaded.success, loaded.message
    assert (loaded.name, loaded.frames, loaded.frames_kept) == ('right', 30, 30)

    selected = trimming.select('left+right')
    assert selected.success, selected.message
    assert trimming.list().selected == 'left+right'
    affordance = trimming.ground(trimming.image_message(40))
    assert affordance.demonstration == 'left+right'
    status = trimming.statuses[-1]
    assert (status.name, status.frames) == ('left+right', 60)
