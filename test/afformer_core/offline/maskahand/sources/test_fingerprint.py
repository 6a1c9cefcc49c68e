# SPDX-License-Identifier: Apache-2.0
"""Contents and parts of videos are told apart wherever they differ."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
    samples_fingerprint,
)

# Longer than the samples of its begin, middle and end.
SIZE = 400_000


@pytest.mark.parametrize('changed', [0, 65_535, 200_000, 265_535, 334_464, 399_999])
def test_a_change_in_any_sample_is_another_content(changed: int) -> None:
    content = bytearray(SIZE)
    before = samples_fingerprint([(io.BytesIO(content), SIZE)])

    content[changed] = 7

    assert samples_fingerprint([(io.BytesIO(content), SIZE)]) != before


def test_the_content_does_not_depend_on_name_and_time(tmp_path: Path) -> None:
    for name, seconds in (('a.mp4', 100), ('b.mp4', 200)):
        (tmp_path / name).write_bytes(b'x' * 70_000)
        os.utime(tmp_path / name, (0, seconds))
    one, other = tmp_path / 'a.mp4', tmp_path / 'b.mp4'

    assert content_fingerprint([one]) == content_fingerprint([other])
    assert content_fingerprint([one], '/left') != content_fingerprint([one], '/right')
    assert files_fingerprint([one]) != files_fingerprint([other])


def test_a_change_within_a_second_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / 'a.mp4'
    path.write_bytes(b'x' * 7)
    os.utime(path, ns=(0, 5_100_000_000))
    before = files_fingerprint([path])

    os.utime(path, ns=(0, 5_900_000_000))

    assert files_fingerprint([path]) != before
