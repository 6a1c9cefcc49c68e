# SPDX-License-Identifier: Apache-2.0
"""Demonstrations from files: parts, topics, marks, taps and the progress of reading."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import PIL.Image
import pytest

from afformer_core.demonstrations.media import (
    VideoProgress,
    contact_candidates,
    permitted_path,
    read_demonstration,
    split_contact,
    split_part,
    split_topic,
    tapped,
    timed_images,
)
from afformer_core.errors import DemonstrationError, VideoError
from afformer_core.media.bag import BagError
from afformer_core.media.video import read_video, write_video
from afformer_core.runtime import Peak


def _grey(value):
    return np.full((48, 64, 3), value, np.uint8)


@pytest.fixture
def bag_of_two_topics(tmp_path):
    """A rosbag2 folder: five images at /left and two at /right, over a second."""
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    typestore = get_typestore(Stores.ROS2_HUMBLE)
    types = typestore.types
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, count in (('/left', 5), ('/right', 2)):
            kind = 'sensor_msgs/msg/Image'
            connection = writer.add_connection(topic, kind, typestore=typestore)
            for number in range(count):
                stamp = types['builtin_interfaces/msg/Time'](10, 0)
                header = types['std_msgs/msg/Header'](stamp, 'camera')
                data = _grey(40 * number).ravel()
                message = types[kind](header, 48, 64, 'rgb8', 0, 192, data)
                nanoseconds = 10**10 + number * 10**9 // (count - 1)
                writer.write(connection, nanoseconds, typestore.serialize_cdr(message, kind))
    return path


def test_a_video_is_sampled(tmp_path):
    write_video(tmp_path / 'push.mp4', [_grey(20 * i) for i in range(11)], 10)
    media = read_demonstration(tmp_path / 'push.mp4', 3)
    assert (len(media.frames), media.frame_count) == (3, 11)
    assert media.duration == pytest.approx(1.0)
    assert [int(frame.mean().round(-1)) for frame in media.frames] == [0, 100, 200]


def test_of_a_damaged_video_the_frames_before_the_damage_are_sampled(tmp_path):
    path = tmp_path / 'push.mp4'
    write_video(path, [_grey(20 * i) for i in range(11)], 10)
    with av.open(str(path)) as container:
        packet = [each for each in container.demux(video=0) if each.size][9]
        begin, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[begin : begin + size] = size * b'\xff'
    path.write_bytes(content)
    media = read_demonstration(path, 2)
    last = media.frame_count - 1
    assert 2 < last < 10
    assert media.announced == 11
    assert [int(frame.mean().round(-1)) for frame in media.frames] == [0, 20 * last]


@pytest.mark.parametrize(
    ('part', 'expected', 'count'), [('t=0.25,0.75', [40, 100, 140], 6), ('t=,0.3', [0, 20, 40], 3)]
)
def test_a_part_of_a_video_is_sampled(tmp_path, part, expected, count):
    write_video(tmp_path / 'push.mp4', [_grey(20 * i) for i in range(11)], 10)
    media = read_demonstration(tmp_path / f'push.mp4#{part}', 3)
    assert [int(frame.mean().round(-1)) for frame in media.frames] == expected
    assert (media.frame_count, media.duration) == (count, pytest.approx((count - 1) / 10))


def test_the_progress_of_a_part_tells_every_frame_that_is_decoded(tmp_path):
    write_video(tmp_path / 'push.mp4', [_grey(20 * i) for i in range(11)], 10)
    told = []
    read_demonstration(tmp_path / 'push.mp4#t=0.5,0.8', 3, lambda *one: told.append(one))
    assert len(told) > 8
    assert told[-1][0] == 3


@pytest.mark.parametrize(
    ('part', 'error', 'reason'),
    [
        ('t=3,1', DemonstrationError, 'goes from 3 s to 1 s; expected a later end'),
        ('t=1,1', DemonstrationError, 'goes from 1 s to 1 s'),
        ('t=1,60', VideoError, 'has no part from 1 s to 60 s: it lasts 1.10 s'),
        ('t=90,91', VideoError, 'has no part from 90 s to 91 s'),
    ],
)
def test_a_part_that_is_not_there(tmp_path, part, error, reason):
    write_video(tmp_path / 'push.mp4', [_grey(20 * i) for i in range(11)], 10)
    with pytest.raises(error, match=reason):
        read_demonstration(tmp_path / f'push.mp4#{part}', 3)


def test_a_part_is_of_a_video_alone(tmp_path, bag_of_two_topics):
    for path in (tmp_path, bag_of_two_topics):
        with pytest.raises(DemonstrationError, match='is not a video'):
            read_demonstration(path.parent / f'{path.name}#t=0,1', 8)


@pytest.fixture
def numbered_folder(tmp_path):
    """Frames 1, 2 and 10, ten times as bright, from a phone on its side; and a cover."""
    exif = PIL.Image.Exif()
    exif[274] = 6
    for number in (1, 2, 10):
        PIL.Image.fromarray(_grey(10 * number)).save(tmp_path / f'{number}.jpg', exif=exif)
    cv2.imwrite(str(tmp_path / 'cover.jpg'), _grey(200))
    return tmp_path


def test_a_folder_is_the_same_video_as_in_training(numbered_folder):
    media = read_demonstration(numbered_folder, 8)
    assert [int(frame.mean().round()) for frame in media.frames] == [10, 20, 100]
    np.testing.assert_array_equal(media.frames, read_video(numbered_folder, 8))


def test_a_folder_is_played_in_the_order_of_its_numbers(numbered_folder):
    images = [each.image for each in timed_images(numbered_folder)]
    assert [int(image.mean().round()) for image in images] == [10, 20, 100]
    assert {image.shape for image in images} == {(64, 48, 3)}


def test_a_topic_of_a_bag_is_sampled(bag_of_two_topics):
    media = read_demonstration(bag_of_two_topics.parent / 'bag#/left', 3)
    assert [int(frame[0, 0, 0]) for frame in media.frames] == [0, 80, 160]
    assert (media.frame_count, media.duration) == (5, 1.0)


def test_a_bag_of_several_image_topics_needs_one_named(bag_of_two_topics):
    with pytest.raises(DemonstrationError, match=r'2 image topics \(/left, /right\); name one as'):
        read_demonstration(bag_of_two_topics, 8)
    with pytest.raises(DemonstrationError, match='no image topic /up; it has: /left, /right'):
        read_demonstration(bag_of_two_topics.parent / 'bag#/up', 8)


def test_a_stored_demonstration_can_be_loaded_elsewhere(tmp_path, save):
    from afformer_core.demonstrations.store import DemonstrationStore

    media = read_demonstration(save(DemonstrationStore(tmp_path), 'press', value=120), 8)
    assert (len(media.frames), media.duration) == (3, pytest.approx(0.5))
    assert abs(float(media.frames[1].mean()) - 120) < 2


@pytest.mark.parametrize(
    ('name', 'error', 'reason'),
    [
        ('absent.mp4', VideoError, 'does not exist'),
        ('absent.mcap', BagError, 'does not exist'),
        ('absent#/image', BagError, 'does not exist'),
        ('.', VideoError, 'contains 0 frames'),
    ],
)
def test_what_is_not_there(tmp_path, name, error, reason):
    with pytest.raises(error, match=reason):
        read_demonstration(tmp_path / name, 8)


def test_a_file_with_the_mark_in_its_name_has_no_topic(tmp_path):
    (tmp_path / 'take#2.mp4').write_bytes(b'')
    assert split_topic(tmp_path / 'take#2.mp4') == (tmp_path / 'take#2.mp4', '')
    assert split_topic(tmp_path / 'bag#/image') == (tmp_path / 'bag', '/image')


def test_what_names_no_part_is_left_as_it_is(tmp_path):
    for name in ('bag#/image', 'bag#t=1', 'bag#t=.,2', 'a.mp4', 'a.mp4#t=-1,2'):
        assert split_part(tmp_path / name) == (tmp_path / name, None)
    assert split_part(tmp_path / 'a.mp4#t=1.5,3') == (tmp_path / 'a.mp4', (1.5, 3.0))


def test_only_below_the_folders_may_be_read(tmp_path):
    inside, outside = tmp_path / 'inside', tmp_path / 'outside'
    inside.mkdir()
    outside.mkdir()
    (inside / 'link').symlink_to(outside)
    assert permitted_path(str(inside / 'a.mp4'), (inside,)) == inside / 'a.mp4'
    expected = inside / 'bag#' / 'left'
    assert permitted_path(str(inside / 'bag#/left'), (inside,)) == expected
    for path in ('../outside/a.mp4', 'link/a.mp4', 'link#/left'):
        with pytest.raises(DemonstrationError, match='may not be read'):
            permitted_path(str(inside / path), (inside,))


def test_a_topic_reaches_no_other_file(tmp_path):
    permitted = permitted_path(f'{tmp_path}/bag#/../../outside.mcap', (tmp_path,))
    assert split_topic(permitted) == (tmp_path / 'bag', '/../../outside.mcap')


def test_a_path_may_mark_the_contact(tmp_path):
    write_video(tmp_path / 'push.mp4', [_grey(20 * i) for i in range(11)], 10)
    whole = read_demonstration(tmp_path / 'push.mp4#contact=15.5,47', 3)
    part = read_demonstration(tmp_path / 'push.mp4#t=0.25,0.75&contact=0,0', 3)
    assert whole.contact == (16 / 64, 47.5 / 48)
    assert part.contact == (0.5 / 64, 0.5 / 48)
    assert part.frame_count == 6
    assert read_demonstration(tmp_path / 'push.mp4', 3).contact is None
    with pytest.raises(DemonstrationError, match='marked at 64,0; expected a pixel of the first'):
        read_demonstration(tmp_path / 'push.mp4#contact=64,0', 3)


def test_what_marks_no_contact_is_left_as_it_is(tmp_path):
    (tmp_path / 'a#contact=1,2').write_bytes(b'')
    for name in ('a.mp4', 'a.mp4#contact=1', 'bag#/contact', 'a#contact=1,2'):
        assert split_contact(tmp_path / name) == (tmp_path / name, None)
    assert split_contact(tmp_path / 'bag#/image&contact=1,2') == (tmp_path / 'bag#/image', (1, 2))


# Its diagonal is 500 pixels, 1.5 % of which are 7.5.
FRAME = np.zeros((300, 400, 3), np.uint8)


def test_candidates_are_pixels_of_the_recorded_frame() -> None:
    memorized: Any = SimpleNamespace(
        frame_size=(120, 200), contacts=(Peak(50.5, 20.3, 0.61), Peak(199.4, -0.4, 0.17))
    )
    assert contact_candidates(memorized, FRAME) == (
        Peak(101.5, 51.5, 0.61),
        Peak(399.0, 0.0, 0.17),
    )


@pytest.mark.parametrize(
    ('pixel', 'marked'),
    [((92.5, 40.0), (100.0, 40.0)), ((91.5, 40.0), (91.5, 40.0)), ((104.0, 49.0), (110.0, 52.0))],
)
def test_a_tap_takes_the_nearest_candidate_in_reach(
    pixel: tuple[float, float], marked: tuple[float, float]
) -> None:
    assert tapped(pixel, [(100.0, 40.0), (110.0, 52.0)], FRAME) == marked


def test_a_tap_without_candidates_is_free() -> None:
    assert tapped((7.0, 5.0), [], FRAME) == (7.0, 5.0)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Ten frames, four a second."""
    path = tmp_path / 'film.mp4'
    write_video(path, (np.full((48, 64, 3), 20 * number, np.uint8) for number in range(10)), 4.0)
    return path


def told(path: Path) -> list[tuple[int, float]]:
    progress: list[tuple[int, float]] = []
    read_demonstration(path, 4, lambda frames, share: progress.append((frames, share)))
    return progress


def test_a_video_is_decoded_once(video):
    assert told(video) == [(number, pytest.approx(number / 10)) for number in range(1, 11)]


def test_a_video_whose_frames_cannot_be_counted_otherwise_is_decoded_twice(tmp_path):
    path = tmp_path / 'film.avi'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=4, width=64, height=48, pix_fmt='yuv420p')
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    progress = told(path)
    assert [frames for frames, _ in progress] == [*range(1, 11), *[10] * 10]
    shares = [share for _, share in progress]
    assert shares == sorted(shares)
    assert shares[9] == pytest.approx(0.45)
    assert shares[10:] == pytest.approx([0.5 + 0.05 * number for number in range(1, 11)])


def test_a_folder_tells_the_frames_that_are_read(tmp_path):
    for number in range(6):
        PIL.Image.new('RGB', (8, 8)).save(tmp_path / f'{number}.png')
    assert told(tmp_path) == [(number, number / 6) for number in range(1, 7)]


def test_without_a_duration_the_share_is_not_known_while_frames_are_counted():
    progress: list[tuple[int, float]] = []
    video = VideoProgress(lambda frames, share: progress.append((frames, share)))
    video.begin(0)
    video.decoded(0.5)
    assert progress[0][0] == 1
    assert math.isnan(progress[0][1])
    video.begin(4)
    video.decoded(None)
    assert progress[1] == (4, 0.625)


def test_what_is_told_may_end_the_reading(video):
    seen = []

    def stop(frames: int, share: float) -> None:
        seen.append(frames)
        if frames == 3:
            raise KeyError('enough')

    with pytest.raises(KeyError, match='enough'):
        read_demonstration(video, 4, stop)
    assert seen == [1, 2, 3]
