# SPDX-License-Identifier: Apache-2.0
"""The sheet of images of what was mined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import PIL.Image
import pytest

from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.clip_table import ClipTable
from afformer_core.maskahand.mining.index import HandIndex, MinedVideo, write_index
from afformer_core.maskahand.mining.preview import (
    draw_hands,
    frames_to_show,
    write_contact_sheet,
)
from afformer_core.media.video import write_video

ORANGE, BLUE = (255, 150, 0), (0, 200, 255)


def video_of(path: Path, clips: int, count: int = 100) -> MinedVideo:
    """A clip for each tenth frame, which alone has hands."""
    times = tuple(number / 10 for number in range(count))
    in_contact = Hand((30.0, 20.0, 62.0, 44.0), True, 0.95)
    idle = Hand((4.0, 20.0, 24.0, 44.0), False, 0.99)
    hands = {10 * n + 3: (idle, in_contact) for n in range(clips)}
    spans = tuple((10 * n, 10 * n + 9) for n in range(clips))
    return MinedVideo(path=path, topic='', size=(96, 64), times=times, hands=hands, clips=spans)


def table_of(folder: Path, *videos: MinedVideo) -> ClipTable:
    write_index(folder / 'index.json', HandIndex({'folder_rate': None}, 0.9, videos))
    return ClipTable.open([folder / 'index.json'])


@pytest.fixture(scope='module')
def video(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 s of a rectangle that is there in the frames 3, 13, 23 ... alone."""
    path = tmp_path_factory.mktemp('video') / 'küche.mp4'
    write_video(path, (red.draw_frame(230 if n % 10 == 3 else 0) for n in range(100)), 10)
    return path


def read(path: Path) -> np.ndarray:
    return np.asarray(PIL.Image.open(path).convert('RGB')).astype(int)


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (abs(pixels - colour) < 25).all(-1)


def test_each_clip_is_shown_by_its_interaction_with_all_hands(video: Path, tmp_path: Path) -> None:
    write_contact_sheet(tmp_path / 'sheet.png', table_of(tmp_path, video_of(video, 3)))
    sheet = read(tmp_path / 'sheet.png')
    assert sheet.shape == (262, 3 * 320, 3)
    for left in (0, 320, 640):
        tile = sheet[:, left : left + 320]
        # the hand of the frame, 24 x 32 pixels enlarged by 320 / 96, under lines and letters
        assert 6000 < near(tile, (230, 20, 20)).sum() < 9000
        for colour, box in ((ORANGE, (30, 62)), (BLUE, (4, 24))):
            columns = np.flatnonzero(near(tile, colour).sum(0) > 40)
            assert columns.min() == pytest.approx(box[0] * 320 / 96, abs=3)
            assert columns.max() == pytest.approx(box[1] * 320 / 96, abs=3)
        assert near(tile[240:], (255, 255, 255)).sum() > 20


def test_an_interaction_that_two_clips_share_is_shown_once(video: Path, tmp_path: Path) -> None:
    shared = replace(video_of(video, 1), clips=((0, 9), (2, 11)))
    write_contact_sheet(tmp_path / 'sheet.jpg', table_of(tmp_path, shared))
    assert read(tmp_path / 'sheet.jpg').shape == (262, 320, 3)


def test_many_clips_are_thinned_out_evenly(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_core.maskahand.mining.preview._MOST', 4)
    write_contact_sheet(tmp_path / 'sheet.PNG', table_of(tmp_path, video_of(video, 10)))
    sheet = read(tmp_path / 'sheet.PNG')
    assert sheet.shape == (262, 4 * 320, 3)


def test_few_of_many_videos_are_read(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = [
        replace(video_of(video, 1), path=video.with_name(f'{n:03}'), content=f'{n}')
        for n in range(300)
    ]
    table = table_of(tmp_path, *videos)
    read: list[str] = []
    take = ClipTable.video

    def counted(self: ClipTable, number: int) -> MinedVideo:
        read.append(take(self, number).path.name)
        return take(self, number)

    monkeypatch.setattr(ClipTable, 'video', counted)
    shown = [frame.path.name for frame in frames_to_show(table)]

    assert len(read) == 96
    assert len(shown) == 48
    assert (shown[0], shown[-1]) == ('000', '299')


def test_what_cannot_be_shown_or_written_is_told(video: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"sheet\.gif ends in '\.gif'; expected one of \.jpeg, \.jpg, \.png"
    ):
        write_contact_sheet(tmp_path / 'sheet.gif', table_of(tmp_path, video_of(video, 1)))
    with pytest.raises(ValueError, match='index has 0 clips; expected at least 1'):
        write_contact_sheet(tmp_path / 'sheet.png', table_of(tmp_path, video_of(video, 0)))


def test_a_contact_point_is_a_dot() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    drawn = draw_hands(image, (Hand((5.0, 25.0, 55.0, 55.0), True, 0.9, (30.0, 40.0)),), 1.0)
    inside = near(drawn.astype(int), ORANGE)[30:50, 10:50]
    rows, columns = inside.nonzero()
    assert (rows.mean() + 30, columns.mean() + 10) == (40, 30)


def test_a_box_beyond_the_image_is_drawn_as_far_as_it_is_seen() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    drawn = draw_hands(image, (Hand((-10.0, -10.0, 30.0, 90.0), True, 0.9),), 2.0)
    assert drawn.shape == (80, 120, 3)
    assert near(drawn.astype(int), ORANGE)[:, 58:61].any(1).all()
    assert not image.any()
