# SPDX-License-Identifier: Apache-2.0
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.evaluation.pairs import calibration
from afformer_core.evaluation.pairs.calibration import calibration_pairs, split_pairs
from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small


def test_no_scene_is_on_both_sides(scenes):
    chosen, others = split_pairs([scenes], 5)

    # Of three scenes.
    assert (len(chosen), len(others)) == (1, 1)
    groups = [pair.sample.group for pair in (*chosen, *others)]
    assert len(set(groups)) == 2


def test_photographs_and_simulated_images_calibrate_together(scenes, tmp_path):
    entries = []
    for number in range(5):
        write_video(tmp_path / f'{number}.mp4', np.full((3, 48, 64, 3), 90 + number, np.uint8), 5)
        write_image(tmp_path / f'{number}.png', np.full((48, 80, 3), 40 + number, np.uint8))
        media = {'clip': f'{number}.mp4', 'target': f'{number}.png'}
        part = {'parts': [[[10, 10], [30, 10], [20, 30]]], 'action': 'press'}
        entries.append({**media, **part})
    (tmp_path / 'pairs.json').write_text(json.dumps(entries))

    chosen, others = split_pairs([tmp_path, scenes], 3)

    folders = [[pair.sample.image_path.parent for pair in half] for half in (chosen, others)]
    assert [[folder == tmp_path for folder in half] for half in folders] == 2 * [
        [True, True, False]
    ]
    assert len({pair.sample.image_path for pair in (*chosen, *others)}) == 6
    configuration = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=3)
    images = [pair.image for pair in calibration_pairs(chosen, configuration)]
    assert [int(image.mean()) for image in images[:2]] == [40, 41]


def test_one_of_each_is_enough(scenes):
    assert [len(each) for each in split_pairs([scenes], 1)] == [1, 1]


def test_of_a_long_demonstration_eight_frames_are_taken(scenes, monkeypatch):
    clip = np.zeros((32, 8, 8, 3), np.uint8)
    clip += np.arange(32, dtype=np.uint8)[:, None, None, None]
    monkeypatch.setattr(calibration, 'read_video', lambda *_: clip)
    configuration = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=32)
    pairs, _ = split_pairs([scenes], 1)
    (pair,) = calibration_pairs(pairs, configuration)
    assert len(pair.frames) == 8
    assert len(set(pair.frames[:, 0, 0, 0].tolist())) == 8


def test_one_scene_is_too_few(scenes, tmp_path):
    folder = tmp_path / 'copy'
    shutil.copytree(scenes.parent, folder)
    entries = json.loads(scenes.read_text())
    (folder / 'test.json').write_text(json.dumps(entries[:1]))

    with pytest.raises(DatasetError, match=r'copy/test\.json contains 1 independent pairs'):
        split_pairs([scenes, folder / 'test.json'], 5)


def test_no_pair_is_asked_for(scenes):
    with pytest.raises(ValueError, match='the number of pairs is 0'):
        split_pairs([scenes], 0)


def test_images_are_as_the_model_takes_them(scenes):
    configuration = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=3)
    chosen, _ = split_pairs([scenes], 5)

    (pair,) = calibration_pairs(chosen, configuration)

    assert pair.frames.shape == (3, 64, 96, 3)
    assert pair.image.shape == (64, 96, 3)
    assert pair.frames.dtype == pair.image.dtype == np.uint8
