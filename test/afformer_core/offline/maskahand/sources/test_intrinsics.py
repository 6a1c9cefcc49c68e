# SPDX-License-Identifier: Apache-2.0
"""Frames beside an `intrinsics.json` are undistorted, when they are mined and when read again."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import fsspec
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.lens import pinhole_focal
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.sources import find_sources

from ..mined_videos import interaction_clips
from .mined_paths import mine, seen
from .warped_film import LENS, LINE, RECTANGLE, write_warped

FOCAL = pinhole_focal(LENS)
MIDDLE = (95.5, 63.5)


@pytest.fixture(scope='module')
def warped(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp('warped') / 'a.mp4'
    write_warped(path, red)
    return path.read_bytes()


@pytest.fixture
def folder(warped: bytes, tmp_path: Path) -> Path:
    """A folder with the film and the calibration of its camera."""
    folder = tmp_path / 'videos'
    folder.mkdir()
    (folder / 'a.mp4').write_bytes(warped)
    (folder / 'intrinsics.json').write_text(LENS.to_json())
    return folder


def line_columns(image: np.ndarray) -> np.ndarray:
    """The middle of the black line in each row, in pixels."""
    darkness = np.clip(90.0 - image[..., 1], 0, None)
    darkness[:, : image.shape[1] // 2] = 0
    return (darkness * np.arange(image.shape[1])).sum(1) / darkness.sum(1)


def test_hands_are_mined_in_undistorted_frames_which_are_read_again(
    red: ModuleType, folder: Path, tmp_path: Path
) -> None:
    index = mine(red, tmp_path / 'mined', str(folder))

    [video] = read_index(tmp_path / 'mined' / 'index.json').videos
    assert video == index.videos[0]
    assert (video.lens, video.size) == (LENS, (192, 128))
    [hand] = video.hands[10]
    expected = [MIDDLE[n % 2] + FOCAL * side for n, side in enumerate(RECTANGLE)]
    assert hand.box == pytest.approx(expected, abs=2.5)
    # The calibration is that of the index, whatever becomes of the file.
    (folder / 'intrinsics.json').write_text(replace(LENS, focal=(120.0, 120.0)).to_json())
    clip = interaction_clips(index, most=1)[0]
    images = ClipImages((64, 64), 4, 192, tmp_path / 'cache')
    for _ in range(2):
        [image] = images.read(clip).interactions
        left, top, right, bottom = map(round, clip.interactions[0].interacting[0].box)
        inside = image[top + 2 : bottom - 2, left + 2 : right - 2]
        assert inside[..., 0].min() > 170
        assert inside[..., 1].max() < 70
        assert line_columns(image) == pytest.approx(MIDDLE[0] + FOCAL * LINE, abs=0.6)
    raw = images.read(replace(clip, video=replace(clip.video, lens=None))).interactions[0]
    assert np.ptp(line_columns(raw)) > 8


def in_parent(folder: Path) -> Path:
    (folder / 'factory' / 'workers').mkdir(parents=True)
    (folder / 'a.mp4').rename(folder / 'factory' / 'workers' / 'a.mp4')
    return folder


def in_tar(folder: Path) -> Path:
    with tarfile.open(folder / 'part00.tar', 'w') as tar:
        tar.add(folder / 'a.mp4', 'a.mp4')
    (folder / 'a.mp4').unlink()
    return folder


def in_memory(folder: Path) -> Path:
    memory = fsspec.filesystem('memory')
    memory.pipe('/lab/factory/workers/a.mp4', (folder / 'a.mp4').read_bytes())
    memory.pipe('/lab/factory/intrinsics.json', (folder / 'intrinsics.json').read_bytes())
    return Path('memory://lab')


def by_its_path(folder: Path) -> Path:
    return folder / 'a.mp4'


@pytest.mark.parametrize('lay', [in_parent, in_tar, in_memory, by_its_path])
def test_a_calibration_holds_for_what_is_beside_and_below(
    lay: Callable[[Path], Path], red: ModuleType, folder: Path, tmp_path: Path
) -> None:
    [expected] = mine(red, tmp_path / 'expected', str(folder)).videos

    index = mine(red, tmp_path / 'mined', str(lay(folder)))

    assert index.broken == ()
    [video] = index.videos
    assert video.lens == LENS
    assert seen(video) == seen(expected)
    fsspec.filesystem('memory').store.clear()


def test_the_nearest_calibration_counts_and_none_above_what_was_named(folder: Path) -> None:
    other = replace(LENS, focal=(100.0, 100.0))
    for name in ('near', 'far'):
        (folder / name).mkdir()
        (folder / name / 'b.mp4').write_bytes((folder / 'a.mp4').read_bytes())
    (folder / 'near' / 'intrinsics.json').write_text(other.to_json())

    found = find_sources([folder]).sources
    alone = find_sources([folder / 'far']).sources
    # Named twice, once with the folder above, it is undistorted.
    both = find_sources([folder / 'far', folder]).sources

    assert [(each.path.parent.name, each.lens) for each in found] == [
        ('videos', LENS),
        ('far', LENS),
        ('near', other),
    ]
    assert [each.lens for each in alone] == [None]
    assert both == found


def test_frames_are_examined_again_with_another_calibration(
    red: ModuleType, folder: Path, tmp_path: Path
) -> None:
    [first] = mine(red, tmp_path / 'mined', str(folder)).videos
    (folder / 'intrinsics.json').unlink()

    [second] = mine(red, tmp_path / 'mined', str(folder)).videos

    assert second.lens is None
    assert second.hands[10] != first.hands[10]


@pytest.fixture
def options(red_detector: list[str], tmp_path: Path) -> list[str]:
    """Options of `afformer mine`, which then sees red hands."""
    return ['--output', str(tmp_path / 'mined'), *red_detector]


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('{', 'it is not JSON'),
        (json.dumps({'model': 'fisheye', 'fx': 3}), 'image_width, image_height, fy, cx, cy'),
        (replace(LENS, distortion=(-0.4, 0.0, 0.0, 0.0)).to_json(), 'farther out. Correct it, or'),
        (replace(LENS, size=(192, 192)).to_json(), 'was calibrated for 192x192'),
    ],
    ids=['no JSON', 'incomplete', 'fold', 'another shape'],
)
def test_a_video_with_an_impossible_calibration_is_told_and_not_read_as_it_is(
    text: str,
    reason: str,
    folder: Path,
    film: Path,
    tmp_path: Path,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / 'intrinsics.json').write_text(text)

    assert main(['mine', str(folder), str(film), *options]) == 1

    index = read_index(tmp_path / 'mined' / 'index.json')
    assert [video.path for video in index.videos] == [film]
    [(path, told)] = index.broken
    assert path == folder / 'a.mp4'
    assert reason in told
    assert f'afformer: {folder}/a.mp4: ' in capsys.readouterr().err


def test_what_was_undistorted_is_told(
    folder: Path, film: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['mine', str(folder), str(film), *options]) == 0
    assert 'afformer: frames of 1 videos are undistorted' in capsys.readouterr().err
