# SPDX-License-Identifier: Apache-2.0
"""Folders of frames read as videos, and folders with a frame missing or damaged."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import FrameFolder, FrameRange, frame_number, frame_paths
from afformer_core.media.video import read_video


def write_frames(folder: Path, numbers: Iterable[int]) -> Path:
    """Frame k is of one grey level, k modulo 256."""
    folder.mkdir(parents=True)
    for number in numbers:
        image = np.full((24, 32, 3), number % 256, np.uint8)
        PIL.Image.fromarray(image).save(folder / f'frame_{number:010}.jpg')
    return folder


def levels(frames: np.ndarray) -> list[int]:
    return [round(float(level)) for level in frames.mean(axis=(1, 2, 3))]


def numbers(folder: Path, first: int, last: int, step: int) -> list[int]:
    paths = frame_paths(FrameRange(folder, first, last, step).path)
    assert paths is not None
    return [int(path.stem.removeprefix('frame_')) for path in paths]


def test_a_folder_is_all_its_frames_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name, level in (('9.png', 90), ('10.PNG', 100), ('a2_008.jpeg', 80)):
        PIL.Image.new('RGB', (32, 24), (level, level, level)).save(tmp_path / name)
    (tmp_path / 'readme.txt').write_text('not a frame')
    (tmp_path / '.7.png').write_text('not a frame')
    (tmp_path / 'cover.png').write_text('not a frame')
    frames = read_video(tmp_path)
    assert frames.dtype == np.uint8
    assert frames.shape == (3, 24, 32, 3)
    assert levels(frames) == [80, 90, 100]


def test_images_without_a_number_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, level in (('press.png', 90), ('end.jpg', 70), ('middle.PNG', 80)):
        PIL.Image.new('RGB', (32, 24), (level, level, level)).save(tmp_path / name)
    (tmp_path / '.begin.png').write_text('not a frame')
    (tmp_path / 'readme.txt').write_text('not a frame')
    assert levels(read_video(tmp_path)) == [70, 80, 90]


def test_a_range_is_a_part_with_its_first_and_last_frame(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / 'P01_17', range(1, 60))
    assert levels(read_video(FrameRange(folder, 11, 41, 10).path)) == [11, 21, 31, 41]
    assert levels(read_video(FrameRange(folder, 11, 51, 10).path, 3)) == [11, 31, 51]
    assert levels(read_video(FrameRange(folder, 11, 40, 10).path)) == [11, 21, 31]
    assert levels(read_video(FrameRange(folder, 5, 5).path)) == [5]


def test_a_thinned_folder_gives_the_frame_it_has_of_each_step(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / 'P01_17', range(10, 100, 10))
    assert numbers(folder, 11, 41, 10) == [20, 30, 40]
    assert numbers(folder, 20, 60, 10) == [20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    ('first', 'last', 'step', 'message'),
    [
        (11, 61, 10, 'lacks the frame from 31 to 40'),
        (11, 95, 10, 'lacks the frame from 31 to 40'),
        (95, 99, 10, 'lacks the frame from 95 to 99'),
        (29, 33, 1, 'lacks the frame 31'),
    ],
)
def test_a_missing_frame_is_named(
    tmp_path: Path, first: int, last: int, step: int, message: str
) -> None:
    folder = write_frames(tmp_path / 'P01_17', [*range(1, 31), *range(41, 91)])
    with pytest.raises(VideoError, match=f'P01_17 {message}'):
        read_video(FrameRange(folder, first, last, step).path)


def test_a_range_may_name_the_beginning_of_its_files(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / '037522251142', range(4, 9))
    for frame in folder.iterdir():
        frame.rename(folder / frame.name.replace('frame', 'color'))
    for number in range(4, 9):
        PIL.Image.new('I;16', (32, 24)).save(folder / f'depth_{number:010d}.png')

    clip = FrameRange(folder / 'color_', 5, 7)

    assert levels(read_video(clip.path)) == [5, 6, 7]
    with pytest.raises(VideoError, match=r'colour_ does not exist; expected a folder of frames$'):
        read_video(FrameRange(folder / 'colour_', 5, 7).path)


@pytest.mark.parametrize(
    ('file', 'path', 'message'),
    [
        ('', '/P01_18#1-9:1', r'P01_18 does not exist; expected a folder of frames$'),
        ('readme.txt', '', 'contains 0 frames; expected images such as'),
        ('cover.jpg', '#1-20:10', 'lacks the frame from 1 to 10'),
        ('', '/P01_17#9-4:1', r'P01_17#9-4:1: a clip goes from frame 9 to frame 4'),
    ],
)
def test_what_holds_no_frames_is_refused(
    tmp_path: Path, file: str, path: str, message: str
) -> None:
    if file:
        (tmp_path / file).touch()
    with pytest.raises(VideoError, match=message):
        read_video(Path(f'{tmp_path}{path}'))


def test_a_name_without_a_number_is_told() -> None:
    with pytest.raises(VideoError, match=r'cover\.jpg has no number'):
        frame_number(Path('cover.jpg'))


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'u_1.jpg').touch()
    (tmp_path / 'v_01.jpg').touch()
    with pytest.raises(VideoError, match=r'both u_1\.jpg and v_01\.jpg'):
        FrameFolder(tmp_path)


@pytest.mark.parametrize('damage', ['empty', 'cut off', 'text'])
def test_a_damaged_frame_is_named(tmp_path: Path, damage: str) -> None:
    folder = write_frames(tmp_path / 'P01_17', range(1, 4))
    damaged = folder / 'frame_0000000002.jpg'
    content = damaged.read_bytes()
    contents = {'empty': b'', 'cut off': content[: len(content) // 2], 'text': b'no image\n' * 100}
    damaged.write_bytes(contents[damage])
    message = 'is empty' if damage == 'empty' else 'is truncated or cannot be read as an image'
    with pytest.raises(VideoError, match=rf'frame .*frame_0000000002\.jpg {message}'):
        read_video(folder)


def test_frames_of_changing_size_are_refused(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / 'P01_17', range(1, 4))
    PIL.Image.new('RGB', (16, 12)).save(folder / 'frame_0000000004.jpg')
    with pytest.raises(VideoError, match=r'0004\.jpg is 16x12; expected 32x24'):
        read_video(folder)


def test_the_path_of_a_range_is_read_back() -> None:
    clip = FrameRange(Path('/videos/P01#2/P01_17'), 301, 1084, 10)
    assert str(clip.path) == '/videos/P01#2/P01_17#301-1084:10'
    assert FrameRange.of(clip.path) == clip
    assert FrameRange.of(Path('/videos/P01_17')) is None
    assert FrameRange.of(Path('/videos/P01_17#one')) is None


def test_a_file_may_be_named_like_a_range(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / 'take#1-2:1', [7])
    assert levels(read_video(folder)) == [7]


@pytest.mark.parametrize(('first', 'last', 'step'), [(5, 4, 1), (-1, 4, 1), (1, 4, 0)])
def test_a_range_that_is_none_is_refused(first: int, last: int, step: int) -> None:
    with pytest.raises(ValueError, match='at least'):
        FrameRange(Path('P01_17'), first, last, step)


def test_a_file_is_no_folder_of_frames(tmp_path: Path) -> None:
    (tmp_path / 'clip.mp4').touch()
    assert frame_paths(tmp_path / 'clip.mp4') is None
    assert frame_paths(tmp_path / 'absent') is None
