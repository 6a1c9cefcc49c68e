# SPDX-License-Identifier: Apache-2.0
"""Videos: written and read back, and files that are not what they should be."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.video import FrameCountError, VideoReader, read_video, write_video


def grey_frames(count: int) -> np.ndarray:
    """Frame k is of one grey level, 20 k."""
    levels = (20 * np.arange(count)).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, 48, 64, 3)).copy()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / 'clip.mp4'
    write_video(path, grey_frames(12), rate=4)
    return path


def test_colours_are_in_the_order_red_green_blue(tmp_path: Path) -> None:
    frames = np.zeros((2, 32, 32, 3), np.uint8)
    frames[..., 0] = 220
    write_video(tmp_path / 'red.mp4', frames, rate=4)
    red, green, blue = read_video(tmp_path / 'red.mp4').mean(axis=(0, 1, 2))
    assert red > 190
    assert max(green, blue) < 40


@pytest.mark.parametrize(
    ('frame_count', 'levels'),
    [
        (1, [120]),
        (2, [0, 220]),
        (3, [0, 120, 220]),
        (12, list(range(0, 240, 20))),
        (99, list(range(0, 240, 20))),
        (None, list(range(0, 240, 20))),
    ],
)
def test_samples_frames_evenly(clip: Path, frame_count: int | None, levels: list[int]) -> None:
    frames = read_video(clip, frame_count)
    assert (frames.dtype, frames.shape[1:]) == (np.uint8, (48, 64, 3))
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), levels, atol=3)


def test_streams_frames_with_their_times(clip: Path) -> None:
    with VideoReader(clip) as reader:
        assert reader.rate == 4
        times = [frame.time for frame in reader]
        again = [frame.time for frame in reader]
    np.testing.assert_allclose(times, np.arange(12) / 4)
    assert again == times


# Of the track header: how a player turns the pixels, and NumPy's turns for the same.
TURNS = {
    'clockwise': ((0, 1, -1, 0), -1),
    'over': ((-1, 0, 0, -1), 2),
    'counterclockwise': ((0, -1, 1, 0), 1),
}


@pytest.mark.parametrize('turn', TURNS)
def test_a_phone_held_otherwise(tmp_path: Path, turn: str) -> None:
    stored = np.zeros((3, 48, 64, 3), np.uint8)
    stored[:, :20, :30] = 255
    path = tmp_path / 'held.mp4'
    write_video(path, stored, 10.0)
    (a, b, c, d), turns = TURNS[turn]
    content = bytearray(path.read_bytes())
    # Behind the box's name and ten fields of version 0.
    matrix = content.index(b'tkhd') + 44
    fixed = [65536 * each for each in (a, b, 0, c, d, 0, 0, 0)]
    content[matrix : matrix + 36] = struct.pack('>9i', *fixed, 1 << 30)
    path.write_bytes(content)

    shown = read_video(path)

    np.testing.assert_allclose(shown, np.rot90(stored, turns, axes=(1, 2)), atol=40)
    with VideoReader(path) as reader:
        assert next(iter(reader)).image.shape == shown.shape[1:]


def cut_out(clip: Path, count: int) -> None:
    """Let the edit list of a clip of 4 frames a second begin that many frames later."""
    content = bytearray(clip.read_bytes())
    # Behind the box's name, version, number of entries, and duration.
    start = content.index(b'elst') + 16
    timescale = struct.unpack_from('>I', content, content.index(b'mdhd') + 16)[0]
    shown = struct.unpack_from('>i', content, start)[0] + count * timescale // 4
    struct.pack_into('>i', content, start, shown)
    clip.write_bytes(content)


def damage(clip: Path, number: int) -> None:
    """Overwrite the coded frame of that number."""
    with av.open(str(clip)) as container:
        packet = [each for each in container.demux(video=0) if each.size][number]
        begin, size = packet.pos, packet.size
    content = bytearray(clip.read_bytes())
    content[begin : begin + size] = size * b'\xff'
    clip.write_bytes(content)


def test_frames_are_counted_without_decoding_them(clip: Path) -> None:
    decoded = []
    with VideoReader(clip, decoded=decoded.append) as reader:
        assert reader.stored() == 12
        assert not decoded
        assert reader.announced(12) is None
        assert reader.announced(7) == 12
    with VideoReader(clip, clip=(0.5, 1.5)) as part:
        assert part.stored() is None


def test_frames_that_an_edit_list_cuts_out_are_neither_counted_nor_missing(clip: Path) -> None:
    cut_out(clip, 5)
    with VideoReader(clip) as reader:
        assert reader.stored() == 7 == reader.count()
        assert reader.announced(7) is None
        assert reader.announced(3) == 7


def test_a_damaged_video_has_other_frames_than_it_stores(clip: Path) -> None:
    damage(clip, 8)
    with VideoReader(clip) as reader:
        stored, count = reader.stored(), reader.count()
        assert stored == 12 > count
        with pytest.raises(FrameCountError, match=rf'has {count} frames; expected 12'):
            list(reader.select([0, 3], 12))
        assert len(list(reader.select([0, 3]))) == 2


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, r'clip\.mp4 does not exist; expected a video file'),
        (b'', 'is empty'),
        (b'not a video\n' * 100, 'cannot be read as a video'),
        (b"ffconcat version 1.0\nfile 'other.mp4'\n", r'clip\.mp4 cannot be read as a video'),
        ('half', 'truncated'),
        ('no encoding', r'clip\.mp4 is damaged, or its video has an encoding'),
    ],
    ids=['absent', 'empty', 'text', 'list of other files', 'cut off', 'no encoding'],
)
def test_what_is_no_whole_video_is_refused(clip: Path, content: object, message: str) -> None:
    whole = clip.read_bytes()
    clip.rename(clip.with_name('other.mp4'))
    if content == 'half':
        content = whole[: len(whole) // 2]
    elif content == 'no encoding':
        content = whole.replace(b'avc1\0\0', b'\0\0\0\0\0\0')
    if isinstance(content, bytes):
        clip.write_bytes(content)
    with pytest.raises(VideoError, match=message):
        read_video(clip)


def test_a_file_without_video_is_refused(tmp_path: Path) -> None:
    av = pytest.importorskip('av')
    path = tmp_path / 'sound.wav'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format='s16', layout='mono'
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(VideoError, match='contains only other media'):
        read_video(path)


@pytest.mark.parametrize(
    ('frames', 'message'),
    [
        (np.zeros((0, 32, 32, 3), np.uint8), 'frames of .* is 0; expected at least 1'),
        (np.zeros((1, 31, 32, 3), np.uint8), 'even sides'),
        (np.zeros((1, 32, 32), np.uint8), 'expected uint8'),
        (np.zeros((1, 32, 32, 3), np.float32), 'expected uint8'),
    ],
)
def test_what_cannot_be_encoded_leaves_no_file(
    tmp_path: Path, frames: np.ndarray, message: str
) -> None:
    with pytest.raises(VideoError, match=message):
        write_video(tmp_path / 'clip.mp4', frames, rate=4)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_changing_size_are_refused_and_the_old_file_stays(clip: Path) -> None:
    before = clip.read_bytes()
    with pytest.raises(VideoError, match='16x16'):
        write_video(clip, [np.zeros((32, 32, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)], 4)
    assert clip.read_bytes() == before
    assert [path.name for path in clip.parent.iterdir()] == ['clip.mp4']
