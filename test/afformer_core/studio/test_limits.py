# SPDX-License-Identifier: Apache-2.0
"""Files that are refused before they are decoded, and names that are made harmless."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from afformer_core.demonstrations.media import read_demonstration
from afformer_core.errors import ImageError, VideoError
from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_core.studio.limits import (
    Limits,
    read_limited_demonstration,
    read_limited_image,
    reading_limit,
    require_small_image,
    require_small_video,
    shown_name,
)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """12 frames of 64x48."""
    write_video(tmp_path / 'press.mp4', np.zeros((12, 48, 64, 3), np.uint8), 6.0)
    return tmp_path / 'press.mp4'


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('press.mp4', 'press.mp4'),
        ('../../x', 'x'),
        ('C:\\videos\\press.mp4', 'press.mp4'),
        ('/', 'unnamed'),
        ('..', 'unnamed'),
        ('a\nb\x00.mp4', 'ab.mp4'),
        (' ', 'unnamed'),
    ],
)
def test_names_of_uploads(given: str, expected: str) -> None:
    assert shown_name(given) == expected


def test_a_playlist_that_names_another_file_is_not_followed(tmp_path: Path, video: Path) -> None:
    playlist = tmp_path / 'upload'
    playlist.write_text(f'ffconcat version 1.0\nfile {video.name}\n')

    with pytest.raises(VideoError, match=r'press\.mp4 cannot be read as a video'):
        require_small_video(playlist, Limits(), 'press.mp4')


def test_frames_and_images_of_too_many_pixels(tmp_path: Path, video: Path) -> None:
    write_image(tmp_path / 'panel.png', np.zeros((48, 64, 3), np.uint8))
    just = Limits(image_pixels=48 * 64, frame_pixels=48 * 64)
    require_small_video(video, just, 'press.mp4')
    assert require_small_image(tmp_path / 'panel.png', just, 'panel.png') == (64, 48)

    few = Limits(image_pixels=48 * 64 - 1, frame_pixels=48 * 64 - 1)
    with pytest.raises(VideoError, match='has frames of 64x48 pixels; expected at most'):
        require_small_video(video, few, 'press.mp4')
    with pytest.raises(ImageError, match='has 64x48 pixels; expected at most'):
        require_small_image(tmp_path / 'panel.png', few, 'panel.png')


@pytest.mark.parametrize('ending', ['.jpg', '.png'])
def test_a_photograph_of_48_megapixels_is_kept_at_half_its_size(
    tmp_path: Path, ending: str
) -> None:
    photograph = np.zeros((6048, 8064, 3), np.uint8)
    photograph[1000:1400, 6000:7000] = 240
    write_image(tmp_path / f'phone{ending}', photograph)

    read = read_limited_image(tmp_path / f'phone{ending}', Limits(), f'phone{ending}')

    assert read.size == (8064, 6048)
    assert read.image.shape == (3024, 4032, 3)
    rows, columns = np.nonzero(read.image[..., 1] > 120)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (500, 699, 3000, 3499)


def test_a_photograph_in_portrait_is_reduced_upright(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new('RGB', (8064, 6048)).save(tmp_path / 'phone.jpg', exif=exif)

    read = read_limited_image(tmp_path / 'phone.jpg', Limits(), 'phone.jpg')

    assert read.size == (6048, 8064)
    assert read.image.shape == (4032, 3024, 3)


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_a_small_file_that_decodes_to_a_huge_image_is_refused_by_its_header(
    tmp_path: Path,
) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack('>I', len(content)) + kind + content
            + struct.pack('>I', zlib.crc32(kind + content))
        )  # fmt: skip

    for side, reason in ((13_000, 'has 13000x13000 pixels'), (60_000, 'cannot be read')):
        header = chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
        path = tmp_path / f'{side}.png'
        path.write_bytes(b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(b'')))
        with pytest.raises(ImageError, match=reason):
            read_limited_image(path, Limits(), path.name)


@pytest.mark.parametrize(
    ('limits', 'reason'),
    [
        (Limits(frames=11), 'press.mp4 has more than 11 frames'),
        (Limits(seconds=0), 'press.mp4 takes more than 0 s to read'),
    ],
)
def test_a_video_of_too_many_frames_is_not_read_to_its_end(
    video: Path, limits: Limits, reason: str
) -> None:
    with pytest.raises(VideoError, match=reason):
        read_demonstration(video, 8, reading_limit(limits, 'press.mp4'))


def test_a_small_file_whose_frames_become_huge_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / 'bomb.avi'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('png', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'gray'
        for number, size in enumerate([(64, 48)] * 3 + [(8000, 8000)]):
            frame = io.BytesIO()
            PIL.Image.new('L', size).save(frame, 'PNG')
            packet = av.Packet(frame.getvalue())
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 10), stream
            packet.is_keyframe = True
            container.mux(packet)
    assert path.stat().st_size < 100_000

    media = read_limited_demonstration(path, 8, Limits(), 'bomb.avi')

    assert {frame.shape for frame in media.frames} == {(48, 64, 3)}
