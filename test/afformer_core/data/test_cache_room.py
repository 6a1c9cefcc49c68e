# SPDX-License-Identifier: Apache-2.0
"""Room for a cache, told and asked for."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from afformer_core.data.cache_room import CachePart, require_room, size_text
from afformer_core.errors import DatasetError

CLIPS = CachePart('16,000 clips of 64 frames at 256x256', 12_600_000_000)
IMAGES = CachePart('features of 3 images', 2_000_000_000)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A disk on which 14 GB are free; the folders whose disk was asked."""
    asked: list[Path] = []

    def usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=14_000_000_000)

    monkeypatch.setattr(shutil, 'disk_usage', usage)
    return asked


def test_what_it_takes_and_what_is_free(
    free: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'opra' / 'frames'
    require_room(folder, [CLIPS])
    assert capsys.readouterr().err == (
        'afformer: the cache will need about 12.6 GB (16,000 clips of 64 frames at 256x256) in '
        f'{folder}; 14 GB are free\n'
    )
    assert free == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_parts_count_together(free: list[Path], tmp_path: Path) -> None:
    text = (
        r'needs about 14\.6 GB \(16,000 clips of 64 frames at 256x256 and features of 3 '
        r'images\), but only 14 GB are free there\. Free some space'
    )
    with pytest.raises(DatasetError, match=text):
        require_room(tmp_path, [CLIPS, IMAGES])


def test_nothing_is_said_where_nothing_is_written(
    free: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_room(tmp_path, [])
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize(
    ('size', 'text'),
    [
        (0, '0 bytes'),
        (999, '999 bytes'),
        (1000, '1 kB'),
        (69_120, '69.1 kB'),
        (125_829_120, '126 MB'),
        (12_600_000_000, '12.6 GB'),
        (3_000_000_000_000_000, '3000 TB'),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text
