# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining import clip_images
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip
from afformer_core.offline.maskahand.sources.video_file import VideoFile

from ..mined_videos import interaction_clips, write_mined


@pytest.fixture
def clips(tmp_path: Path) -> list[InteractionClip]:
    return interaction_clips(read_index(write_mined(tmp_path)), most=2)


def test_interactions_alone_keep_their_shape(clips: list[InteractionClip]) -> None:
    images = ClipImages((24, 32), frames=4, image_side=48)
    found = [images.read(clip) for clip in clips]
    # They are not enlarged.
    large = replace(images, image_side=512)
    assert large.read(clips[0]).interactions.shape == (2, 64, 96, 3)

    assert [each.demonstration.shape for each in found] == [(4, 24, 32, 3)] * 3
    assert [each.interactions.shape for each in found] == [
        (2, 32, 48, 3),
        (2, 48, 48, 3),
        (2, 48, 32, 3),
    ]


def test_the_hand_is_where_the_index_says(clips: list[InteractionClip]) -> None:
    frame = ClipImages((24, 32), 4, 96).read(clips[0]).interactions[0]
    left, top, right, bottom = map(int, clips[0].interactions[0].interacting[0].box)
    assert frame.shape == (64, 96, 3)
    assert frame[top + 2 : bottom - 2, left + 2 : right - 2, 0].min() > 200
    assert frame[top + 2 : bottom - 2, left + 2 : right - 2, 1].max() < 60


def test_frames_without_a_hand_are_read_and_kept(
    clips: list[InteractionClip], tmp_path: Path
) -> None:
    first, second = clips[0].interactions
    clip = replace(clips[0], interactions=(replace(first, hand_free=1), second))
    plain = ClipImages((24, 32), 4, 48)
    kept = replace(plain, cache_folder=tmp_path / 'cache')
    kept.read(clips[0])
    expected = plain.read(replace(clips[0], interactions=(replace(first, number=1),)))
    for images in (plain, kept, kept):
        found = images.read(clip)
        assert list(found.hand_free) == [1]
        assert np.array_equal(found.hand_free[1], expected.interactions[0])
        assert np.array_equal(found.interactions, plain.read(clips[0]).interactions)
        assert np.array_equal(found.demonstration, expected.demonstration)
    assert len(list((tmp_path / 'cache').iterdir())) == 3
    assert replace(kept, image_side=24).read(clip).hand_free[1].shape == (16, 24, 3)


def test_clips_of_two_topics_are_kept_apart(clips: list[InteractionClip], tmp_path: Path) -> None:
    images = ClipImages((24, 32), 4, 48, tmp_path / 'cache', folder_rate=12.5)
    video = clips[0].video
    with mock.patch.object(
        clip_images, 'open_source', return_value=VideoFile(video.path)
    ) as opened:
        for topic in ('/left', '/right'):
            images.read(replace(clips[0], video=replace(video, topic=topic)))
    assert len(list((tmp_path / 'cache').iterdir())) == 4
    assert opened.call_args.args == (video.path, '/right', 12.5, None)


def test_a_video_that_was_written_again_is_read_again(
    clips: list[InteractionClip], tmp_path: Path
) -> None:
    images = ClipImages((24, 32), 4, 48, tmp_path / 'cache')
    images.read(clips[0])
    write_video(clips[0].video.path, np.zeros((12, 64, 96, 3), np.uint8), 4.0)
    assert images.read(clips[0]).interactions.max() < 10


def test_a_video_of_another_size_is_another(clips: list[InteractionClip]) -> None:
    write_video(clips[0].video.path, np.zeros((12, 96, 64, 3), np.uint8), 4.0)
    with pytest.raises(VideoError, match='has frames of 64x96; expected 96x64'):
        ClipImages((24, 32), 4, 48).read(clips[0])


def test_a_video_that_is_gone(clips: list[InteractionClip], tmp_path: Path) -> None:
    clips[0].video.path.unlink()
    for cache in (None, tmp_path / 'cache'):
        with pytest.raises(VideoError, match=r'0\.mp4'):
            ClipImages((24, 32), 4, 48, cache).read(clips[0])
