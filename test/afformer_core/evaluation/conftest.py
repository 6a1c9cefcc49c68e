# SPDX-License-Identifier: Apache-2.0
"""Three small appliances with two buttons each, on disk, and a small model with random weights."""

import json

import cv2
import numpy as np
import pytest
import torch

from afformer_core.data.video import write_video
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.weights import save_model

WIDTH, HEIGHT = 64, 48


def square(x, y, half=5):
    corners = [
        [x - half, y - half],
        [x + half, y - half],
        [x + half, y + half],
        [x - half, y + half],
    ]
    return {'kind': 'button', 'polygon': corners, 'in_view': True}


def write_appliance(folder, number):
    """Two samples: the button on the left is pressed, the one on the right is held."""
    generator = np.random.default_rng(number)
    elements = [square(15, 20 + number), square(45, 20 + number)]
    entries = []
    for element, x in enumerate((15, 45)):
        stem = f'{number}_{element}'
        frames = generator.integers(0, 256, (5, HEIGHT, WIDTH, 3), np.uint8)
        write_video(folder / f'{stem}.mp4', frames, 10.0)
        image = generator.integers(0, 256, (2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / f'{stem}.jpg'), image)
        entries.append(
            {
                'image_path': f'{stem}.jpg',
                'video_path': f'{stem}.mp4',
                'width': WIDTH,
                'height': HEIGHT,
                'actions': [element + 1],
                'heatmaps': [[[x, 20 + number]]],
                'scene': f'appliance{number}',
                'element': element,
                'elements': elements,
            }
        )
    return entries


@pytest.fixture(scope='session')
def appliances(tmp_path_factory):
    """Path of the annotation file."""
    folder = tmp_path_factory.mktemp('appliances')
    entries = [entry for number in range(3) for entry in write_appliance(folder, number)]
    (folder / 'actions.json').write_text(json.dumps(['press', 'hold']))
    (folder / 'test.json').write_text(json.dumps(entries))
    return folder / 'test.json'


@pytest.fixture(scope='session')
def model_folder(tmp_path_factory):
    """EfficientNet-Lite0 at 64x64, without graphs."""
    folder = tmp_path_factory.mktemp('model')
    torch.manual_seed(0)
    save_model(folder, Afformer(afformer_small(('press', 'hold'), (64, 64))), {})
    return folder
