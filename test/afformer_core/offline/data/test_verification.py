# SPDX-License-Identifier: Apache-2.0
"""Media that are missing, broken, damaged inside, or of another shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.video import write_video
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.data.verification import find_problems, usable_samples


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Two of one clip, with an image each."""
    rng = np.random.default_rng(0)
    write_video(tmp_path / 'clip.mp4', rng.integers(0, 256, (6, 48, 64, 3), np.uint8), 10.0)
    made = []
    for number in range(2):
        image = tmp_path / f'{number}.png'
        cv2.imwrite(str(image), rng.integers(0, 256, (48, 64, 3), np.uint8))
        points = np.array([[3.0, 4.0], [64.0, 4.0], [3.0, -1.0]])
        made.append(
            Sample(f'test/{number}', tmp_path / 'clip.mp4', image, (64, 48), (0,), (points,))
        )
    return made


def test_sound_media(samples: list[Sample]) -> None:
    assert find_problems(samples, decode=True) == []
    assert usable_samples(samples, skip_broken=False) == samples


def test_what_is_missing_is_not_called_unreadable(
    samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_core.media.images._register_heic', lambda: False)
    samples[0].video_path.unlink()
    samples[0].image_path.unlink()
    samples[1].image_path.write_bytes(b'\0\0\0\x24ftypheic')
    clip, image, other = find_problems(samples)
    assert (clip.samples, other.samples) == (('test/0', 'test/1'), ('test/1',))
    assert 'clip.mp4 does not exist' in clip.reason
    assert '0.png does not exist' in image.reason
    assert '1.png cannot be read as an image, or is truncated: it is a HEIC' in other.reason


def test_an_image_that_is_cut_off_is_found_by_decoding(samples: list[Sample]) -> None:
    path = samples[1].image_path
    path.write_bytes(path.read_bytes()[:-2000])
    assert find_problems(samples) == []
    (problem,) = find_problems(samples, decode=True)
    assert problem.samples == ('test/1',)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A video of 6 s that is damaged after a third of it."""
    rng = np.random.default_rng(0)
    path = tmp_path / 'damaged.mp4'
    write_video(path, rng.integers(0, 256, (60, 96, 128, 3), np.uint8), 10.0)
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + 20_000] = bytes(20_000)
    path.write_bytes(content)
    return path


def test_a_video_that_is_damaged_inside_is_found_by_decoding(
    samples: list[Sample], damaged: Path
) -> None:
    sample = replace(samples[0], video_path=damaged)
    assert find_problems([sample]) == []
    (problem,) = find_problems([sample], decode=True)
    assert 'damaged.mp4 is damaged after 1.' in problem.reason


def test_a_part_of_a_video_before_its_damage_is_sound(
    samples: list[Sample], damaged: Path
) -> None:
    before, behind = (
        replace(samples[0], video_path=damaged, clip=clip) for clip in ((0.2, 1.0), (1.0, 3.0))
    )
    assert find_problems([before], decode=True) == []
    (problem,) = find_problems([behind], decode=True)
    assert 'damaged.mp4 is damaged after 1.' in problem.reason


def test_a_part_behind_the_end_of_a_video(samples: list[Sample]) -> None:
    (problem,) = find_problems([replace(samples[0], clip=(0.2, 9.0))])
    assert 'lasts 0.60 s' in problem.reason


def test_a_resized_image_is_sound_and_a_turned_one_is_not(samples: list[Sample]) -> None:
    resized = replace(samples[0], image_size=(640, 480))
    turned = replace(samples[1], image_size=(48, 64))
    (problem,) = find_problems([resized, turned])
    assert '64x48; expected the shape of its annotation, 48x64' in problem.reason


def test_broken_ones_are_left_out_when_asked_alone(samples: list[Sample]) -> None:
    samples[1].image_path.unlink()
    with pytest.raises(DatasetError, match=r'1 clips or images of 1 of 2 .*--skip-broken'):
        usable_samples(samples, skip_broken=False)
    assert usable_samples(samples, skip_broken=True) == samples[:1]
    samples[0].video_path.unlink()
    with pytest.raises(DatasetError, match='no sample remains'):
        usable_samples(samples, skip_broken=True)
