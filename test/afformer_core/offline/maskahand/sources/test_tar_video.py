# SPDX-License-Identifier: Apache-2.0
"""Videos in tars change with their tar."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.sources.video_file import TarVideo

SECOND = 10**9


def write_tar(path: Path, seconds: float, **contents: bytes) -> Path:
    """Write a tar of videos with a time of change, without a change of its inode."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w') as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f'{name}.mp4')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    path.write_bytes(packed.getvalue())
    os.utime(path, ns=(0, round(seconds * SECOND)))
    return path


def test_a_tar_that_is_written_again_is_mined_again(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', 1_700_000_000.25, one=b'a' * 700, two=b'b' * 300)
    one, two = (TarVideo(path, f'{name}.mp4') for name in ('one', 'two'))
    before = two.fingerprint()
    assert two.fingerprint() == before
    assert one.fingerprint() != before

    # Names, sizes and positions are the same.
    write_tar(path, 1_700_000_000.75, one=b'a' * 700, two=b'c' * 300)
    assert two.fingerprint() != before

    write_tar(path, 1_700_000_007, one=b'a' * 700)
    with pytest.raises(VideoError, match=r'a\.tar has no file two\.mp4'):
        two.duration()
