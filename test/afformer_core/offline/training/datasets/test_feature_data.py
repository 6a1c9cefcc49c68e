# SPDX-License-Identifier: Apache-2.0
"""Features of a dataset: which files they were made of."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from afformer_core.media.frame_folder import FrameRange
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.feature_data import FeatureCache, open_feature_cache

from ....conftest import random_model

MODEL = random_model(afformer_small(('press',), (64, 64))).requires_grad_(False)


def cache(folder: Path, clip: Path, model: Any = MODEL) -> FeatureCache:
    """Of two frames of a clip, and a black image."""
    image = folder / 'image.png'
    PIL.Image.new('RGB', (64, 64)).save(image)
    os.utime(image, ns=(1000, 1000))
    sample = Sample('a', clip, image, (64, 64), (0,), (np.array([[3.0, 4.0]]),))
    return open_feature_cache(folder / 'features', [sample], model, (64, 64), 2)


def write_frame(path: Path, level: int) -> None:
    PIL.Image.new('RGB', (64, 64), (level, 0, 0)).save(path)


@pytest.mark.slow
@pytest.mark.parametrize('part', [False, True], ids=['a folder', 'a part of a folder'])
def test_a_frame_that_was_overwritten_is_looked_at_again(tmp_path: Path, part: bool) -> None:
    folder = tmp_path / 'frames'
    folder.mkdir()
    write_frame(folder / '1.png', 10)
    write_frame(folder / '2.png', 20)
    clip = FrameRange(folder, 1, 2).path if part else folder
    before = np.array(cache(tmp_path, clip).videos[0])
    write_frame(folder / '2.png', 200)

    after = cache(tmp_path, clip).videos[0]

    assert np.array_equal(after[0, 0], before[0, 0])
    assert not np.array_equal(after[0, 1], before[0, 1])


def test_features_of_a_video_file_are_kept_by_its_path_size_and_time(tmp_path: Path) -> None:
    """Large ones exist, which must stay valid."""
    video = tmp_path / 'video.mp4'
    write_video(video, np.zeros((2, 64, 64, 3), np.uint8), 4.0)
    os.utime(video, ns=(2000, 2000))
    cache(tmp_path, video)

    key = json.loads((tmp_path / 'features' / 'key.json').read_text())
    image = tmp_path / 'image.png'
    state = f'{image} {image.stat().st_size} 1000\n{video} {video.stat().st_size} 2000\n'
    assert key['files'] == hashlib.sha256(state.encode()).hexdigest()


def test_frames_and_images_pass_each_their_own_encoder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    other = Afformer(afformer_small(('press',), (64, 64))).encoder.requires_grad_(False)
    video = tmp_path / 'video.mp4'
    write_video(video, np.zeros((2, 64, 64, 3), np.uint8), 4.0)

    shared = cache(tmp_path, video)
    apart = SimpleNamespace(encoder=MODEL.encoder, video_encoder=other)
    own = cache(tmp_path, video, apart)

    # Frames and image are black, so that what differs is the encoder.
    assert np.array_equal(own.images[0], shared.images[0])
    assert np.allclose(shared.videos[0][0, :1], shared.images[0][0], atol=0.01)
    assert not np.allclose(own.videos[0][0, :1], own.images[0][0], atol=0.01)
