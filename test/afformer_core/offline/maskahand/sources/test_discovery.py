# SPDX-License-Identifier: Apache-2.0
"""The search of folders for videos, and files that it passes over."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import fsspec
import numpy as np
import PIL.Image
import pytest

from afformer_core.cli.main import main
from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.lens import LensIntrinsics, pinhole_focal
from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames
from afformer_core.offline.maskahand.sources.video_file import VideoFile
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures

from ..mined_videos import interaction_clips
from .conftest import mine, seen

# Of a film of a plane with a red rectangle and a black line; 124 degrees across.
LENS = LensIntrinsics(
    'fisheye', (192, 128), (88.0, 88.0), (97.0, 62.5), (0.05, -0.01, 0.004, -0.001)
)
# (left, top, right, bottom) of the rectangle, and where the line is, in the plane at depth 1.
RECTANGLE = (-0.75, -0.35, -0.15, 0.35)
LINE, THICKNESS = 0.75, 0.03
# Rays through each pixel, one beside another.
_RAYS = 4


def write_warped(path: Path, red: ModuleType) -> None:
    """Write a film of 6 s with a contact at 2 to 3 s, as `red.film` has them."""
    images = {level: _image(level) for level in (0, red.DARK, red.BRIGHT)}
    levels = [int(frame[32, :, 0].max()) for frame in red.film(6, 10, [(2, 3)])]
    frames = (images.get(level, images[0]) for level in levels)
    write_video(path, frames, 10, constant_rate_factor=4)


def _image(level: int) -> np.ndarray:
    width, height = LENS.size
    pixels = [(np.arange(side * _RAYS) + 0.5) / _RAYS - 0.5 for side in (width, height)]
    grid = np.stack(np.meshgrid(*pixels), -1).reshape(-1, 1, 2)
    (fx, fy), (cx, cy) = LENS.focal, LENS.centre
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    rays = cv2.fisheye.undistortPoints(grid, camera, np.array(LENS.distortion))
    x, y = rays.reshape(height * _RAYS, width * _RAYS, 2).transpose(2, 0, 1)
    image = np.full((*x.shape, 3), 110, np.uint8)
    image[np.abs(x - LINE) < THICKNESS] = 0
    left, top, right, bottom = RECTANGLE
    if level:
        image[(x > left) & (x < right) & (y > top) & (y < bottom)] = (level, 20, 20)
    return cv2.resize(image, LENS.size, interpolation=cv2.INTER_AREA)


def make_empty(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_images(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / name)
    return folder


def test_folders_are_searched_in_order_and_other_files_passed_over(tmp_path: Path) -> None:
    make_empty(
        *(tmp_path / name for name in ('b/2.mp4', 'b/1.MOV', 'a.mkv', 'notes.txt', 'b/x.json'))
    )
    make_empty(tmp_path / '.making' / 'c.mp4', tmp_path / 'b' / '.d.mp4')
    found = find_sources([tmp_path])
    expected = [tmp_path / 'a.mkv', tmp_path / 'b' / '1.MOV', tmp_path / 'b' / '2.mp4']
    assert found.sources == tuple(map(VideoFile, expected))
    assert found.broken == ()


def test_links_are_followed_once_and_what_is_named_twice_is_taken_once(tmp_path: Path) -> None:
    make_empty(tmp_path / 'videos' / 'a.mp4', tmp_path / 'elsewhere' / 'b.mp4')
    (tmp_path / 'videos' / 'other').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'elsewhere' / 'loop').symlink_to(tmp_path / 'videos')
    (tmp_path / 'videos' / 'same.mp4').symlink_to(tmp_path / 'videos' / 'a.mp4')
    found = find_sources([tmp_path / 'videos', tmp_path / 'videos' / 'a.mp4', tmp_path / 'videos'])
    assert [source.path.relative_to(tmp_path) for source in found.sources] == [
        Path('videos/a.mp4'),
        Path('videos/other/b.mp4'),
    ]


def test_folders_of_frames_need_a_rate(tmp_path: Path) -> None:
    frames = write_images(tmp_path / 'frames', 'frame_01.png', 'frame_02.png')
    write_images(tmp_path / 'one', 'texture_image_01.png')
    assert find_sources([tmp_path], 30.0).sources == (NumberedFrames(frames, folder_rate=30.0),)
    found = find_sources([tmp_path])
    assert found.sources == ()
    [(path, reason)] = found.broken
    assert path == frames
    assert 'without times. Give the rate' in reason
    # Images of two videos have no common numbers.
    mixed = write_images(tmp_path / 'mixed', 'a_1.png', 'b_1.png')
    assert [path for path, _ in find_sources([tmp_path], 30.0).broken] == [mixed]


def test_what_may_not_be_read_is_told_and_the_search_goes_on(tmp_path: Path) -> None:
    make_empty(*(tmp_path / name for name in ('a.mp4', 'closed/b.mp4', 'd.mp4')))
    program = """
        import os
        from pathlib import Path
        from afformer_core.offline.maskahand.sources import find_sources
        if os.geteuid() == 0:
            # Root may read everything.
            os.setuid(65534)
        found = find_sources([Path()])
        print([source.path.name for source in found.sources])
        print([(path.name, reason) for path, reason in found.broken])
        """
    tmp_path.chmod(0o755)
    (tmp_path / 'closed').chmod(0)
    command = [sys.executable, '-c', textwrap.dedent(program)]
    said = subprocess.check_output(command, cwd=tmp_path, text=True)
    assert said.splitlines() == [
        "['a.mp4', 'd.mp4']",
        "[('closed', 'it cannot be read: Permission denied')]",
    ]


def test_bags_and_demonstrations_are_found_and_those_that_cannot_be_read_told(
    write_bag: Callable[..., Path], raw: Callable[..., Any], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right': raw})
    store = DemonstrationStore(tmp_path / 'store')
    writer = store.begin('press')
    for number in range(3):
        writer.add_frame(np.full((24, 32, 3), 50 * number, np.uint8), 100 + 0.25 * number)
    encoded = EncodedFrames(
        np.zeros((2, 8, 8, 3), np.uint8), FrameFeatures(np.zeros((2, 4, 1, 1), np.float32))
    )
    writer.finish(
        StoreEntry(
            Summary(name='press', frames=3, frames_kept=2, duration=0.5, begin=0.25, end=0.5),
            1.0,
            1,
            2,
            'model',
        ),
        encoded,
    )
    damaged = tmp_path / 'damaged.mcap'
    damaged.write_bytes((tmp_path / 'store' / 'press.mcap').read_bytes()[:-1000])
    make_empty(tmp_path / 'crashed' / 'crashed_0.db3', tmp_path / 'old.bag')
    found = find_sources([tmp_path])
    demonstration = BagTopic(tmp_path / 'store' / 'press.mcap', 'demonstration')
    assert found.sources == (BagTopic(bag, '/left'), BagTopic(bag, '/right'), demonstration)
    assert [frame.time for frame in demonstration.frames(4.0)] == [0, 0.25, 0.5]
    assert demonstration.at([0.5])[0, 0, 0].tolist() == pytest.approx([100] * 3, abs=2)
    reasons = {path.name: reason for path, reason in found.broken}
    assert set(reasons) == {'damaged.mcap', 'crashed_0.db3', 'old.bag'}
    assert 'ros2 bag reindex' in reasons['crashed_0.db3']
    assert 'rosbags-convert' in reasons['old.bag']


def test_what_is_named_is_taken_hidden_or_not(
    write_bag: Callable[..., Path], raw: Callable[..., Any], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right': raw})
    make_empty(tmp_path / '.hidden' / 'a.mp4', tmp_path / 'film.dat')
    named = [tmp_path / '.hidden', tmp_path / 'film.dat', Path(f'{bag}#/right')]
    found = find_sources(named).sources
    assert [(source.path.name, source.topic) for source in found] == [
        ('a.mp4', ''),
        ('bag', '/right'),
        ('film.dat', ''),
    ]
    with pytest.raises(DatasetError, match=r'nowhere does not exist'):
        find_sources([tmp_path / 'nowhere'])


def test_a_source_is_opened_by_its_path_and_topic(tmp_path: Path) -> None:
    assert open_source(tmp_path / 'a.mp4') == VideoFile(tmp_path / 'a.mp4')
    assert open_source(tmp_path, '/left') == BagTopic(tmp_path, '/left')
    assert open_source(tmp_path, folder_rate=30.0) == NumberedFrames(tmp_path, folder_rate=30.0)
    with pytest.raises(VideoError, match='--folder-rate'):
        open_source(tmp_path)


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
