# SPDX-License-Identifier: Apache-2.0
"""Media of the benchmark from public repositories, by git."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.media.images import read_image
from afformer_core.media.video import VideoReader
from afformer_core.offline.data.readers.contact_clips import read_contact_clips
from afformer_core.offline.data.readers.part_pairs import PartPairsDataset
from afformer_core.offline.evaluation.demonstration_to_image.fetching import (
    BenchmarkEntry,
    cut_frame,
    fetch_benchmark,
    media_of,
    read_entries,
)


def right_colour(image: np.ndarray) -> list[int]:
    """Mean red, green and blue of the right half."""
    return image[:, image.shape[1] // 2 :].reshape(-1, 3).mean(0).round().astype(int).tolist()


def test_cuts_clips_and_images_into_folders_of_pairs_and_clips(
    entries: list[BenchmarkEntry], tmp_path: Path
) -> None:
    fetch_benchmark(entries, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['contact', 'first']
    with VideoReader(tmp_path / 'first' / 'clips' / 'drawer.mp4') as reader:
        frames = reader.read(range(4))
        assert (reader.rate, reader.count()) == (5.0, 4)
    assert frames.shape == (4, 32, 48, 3)
    # the first one is frame 3 of the source, whose red is 90, and the last one is frame 6
    assert right_colour(frames[0]) == pytest.approx([90, 90, 160], abs=4)
    assert right_colour(frames[3]) == pytest.approx([150, 90, 160], abs=4)
    image = read_image(tmp_path / 'first' / 'targets' / 'drawer.jpg')
    assert image.shape == (20, 30, 3)
    # the crop leaves out the dark third; file 02 shows frame 4, whose red is 110
    assert right_colour(image[:, ::-1]) == pytest.approx([110, 90, 160], abs=4)
    (pair,) = PartPairsDataset(tmp_path / 'first').pairs
    assert (pair.source, pair.source_video) == ('someone/kitchen', 'kitchen')
    assert pair.accepted_actions == ('pull',)
    (clip,) = read_contact_clips(tmp_path / 'contact')
    assert (clip.moment, clip.path.is_file()) == (0.25, True)


def test_downloads_only_the_files_that_are_needed(
    entries: list[BenchmarkEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, 'rmtree', lambda *given, **options: None)
    fetch_benchmark(entries, tmp_path)
    clone = tmp_path / '.sources' / 'someone' / 'kitchen' / entries[0]['clip']['commit']
    names = sorted(path.name for path in clone.rglob('*') if '.git' not in path.parts)
    assert names == ['00.png', '01.png', '02.png', '03.png', 'frames', 'open [1].mp4']


def test_skips_a_repository_that_vanished(entries: list[BenchmarkEntry], tmp_path: Path) -> None:
    gone = changed(entries[0], repository='no/one')
    fetched, skipped = fetch_benchmark([gone, entries[1]], tmp_path)
    assert [entry['annotation']['id'] for entry in fetched] == ['cup']
    assert list(skipped) == ['first/drawer']
    assert skipped['first/drawer'].startswith('no/one at ')
    assert not (tmp_path / 'first' / 'pairs.json').exists()


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'sha256': 'ab' * 32}, 'expected abababababab'),
        ({'path': 'close.mp4'}, 'close.mp4 is not in someone/kitchen'),
    ],
)
def test_skips_a_file_that_is_another(
    entries: list[BenchmarkEntry], tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    other = changed(entries[0], **changes)
    _, skipped = fetch_benchmark([other], tmp_path)
    assert reason in skipped['first/drawer']
    assert not (tmp_path / 'first' / 'clips').exists()


def test_skips_a_source_that_is_shorter_than_its_frames(
    entries: list[BenchmarkEntry], tmp_path: Path
) -> None:
    longer = changed(entries[0], frames=[3, 25])
    _, skipped = fetch_benchmark([longer], tmp_path)
    assert 'has 10 frames; clips/drawer.mp4 needs 26' in skipped['first/drawer']


def test_goes_on_after_an_interruption(entries: list[BenchmarkEntry], tmp_path: Path) -> None:
    fetch_benchmark(entries[:1], tmp_path)
    written = (tmp_path / 'first' / 'clips' / 'drawer.mp4').stat().st_mtime_ns
    assert len(fetch_benchmark(entries, tmp_path)[0]) == 2
    assert (tmp_path / 'first' / 'clips' / 'drawer.mp4').stat().st_mtime_ns == written


def changed(entry: BenchmarkEntry, **changes: Any) -> BenchmarkEntry:
    """The entry with a changed reference of its clip."""
    return {**entry, 'clip': {**entry['clip'], **changes}}


def test_warps_from_another_view() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10, 20] = 255
    moved = [[1.0, 0.0, 7.0], [0.0, 1.0, -4.0], [0.0, 0.0, 1.0]]
    media = {'size': [60, 40], 'homography': moved}
    assert np.argwhere(cut_frame(image, media)[..., 0] > 0).tolist() == [[6, 27]]


def test_the_installed_entries_name_commits_hashes_and_marks() -> None:
    entries = read_entries()
    pairs = [entry for entry in entries if 'target' in entry]
    assert (len(pairs), len(entries) - len(pairs)) == (91, 73)
    assert {entry['folder'] for entry in pairs} == {'real', 'real_second', 'real_third'}
    for media in (media for entry in entries for media in media_of(entry)):
        assert len(media['commit']) == 40
        assert len(media['sha256']) == 64
    for pair in pairs:
        first, last = pair['clip']['frames']
        length = last - first + 1
        assert pair['annotation']['contact']['frame'] < length
