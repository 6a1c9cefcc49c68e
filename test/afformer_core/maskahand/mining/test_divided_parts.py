# SPDX-License-Identifier: Apache-2.0
"""A part that one process decodes and others examine gives what one process gives."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from afformer_core.errors import AfformerError
from afformer_core.hands.detector import HandDetector
from afformer_core.maskahand.mining import video_spans
from afformer_core.maskahand.mining.cluster_stages import (
    _decode,
    _Detection,
    _prepare,
    _Spans,
    _value,
)
from afformer_core.maskahand.mining.examination import Examination
from afformer_core.maskahand.mining.mined_part import MinedPart
from afformer_core.maskahand.mining.video_parts import MiningPart, video_parts
from afformer_core.maskahand.sources import find_sources
from afformer_core.maskahand.sources.video_file import VideoFile
from afformer_core.media.video import VideoFrame, write_video

RATE = 5.0


@pytest.fixture(autouse=True)
def _small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans of seven frames of 96 x 64 pixels."""
    monkeypatch.setattr(video_spans, '_SPAN_BYTES', 7 * 96 * 64 * 3)


@pytest.fixture
def part(red: ModuleType, tmp_path: Path) -> MiningPart:
    """A video of 6 s with a contact at 2 to 3 s, whole."""
    write_video(tmp_path / 'a.mp4', red.film(6, 10, [(2, 3)]), 10, 1)
    return part_of(tmp_path / 'a.mp4')


def part_of(video: Path, folder_rate: float | None = None) -> MiningPart:
    found = find_sources([video], folder_rate).sources
    [divided], broken = video_parts(found, video.parent / 'mined', 'red 1', RATE, 600)
    assert broken == []
    return divided.parts[0]


def whole(part: MiningPart, detector: HandDetector) -> MinedPart | None:
    return Examination(detector, RATE, writes=False)(part).unwritten


def divided(
    part: MiningPart, kind: type[HandDetector], context: float = 0.0
) -> tuple[MinedPart | None, int]:
    """The result in stages, whose spans arrive in reverse, and the number of spans."""
    task = pa.table({'part': [7], 'task': [pickle.dumps(part)]})
    rows = list(_decode(task, rate=RATE, context=context, batch_size=1))
    opening = pickle.dumps(Examination.opening(kind, RATE, 1, writes=False))
    spans = _Spans()
    for row in reversed(rows):
        assert spans.joined() is None
        [answer] = _Detection()(row, opening).to_pylist()
        assert answer['part'] == 7
        spans.add(answer['span'], _value(answer['result']), answer['end'])
    return spans.joined(), len(rows)


@pytest.mark.parametrize(('context', 'expected'), [(0.0, 5), (0.7, 4)])
def test_a_part_in_spans_is_the_whole_part(
    red: ModuleType, part: MiningPart, context: float, expected: int
) -> None:
    result, spans = divided(part, red.GpuRedHands, context)

    assert result is not None
    assert result == whole(part, red.RedHands())
    assert sorted(result.hands) == [*range(5, 15)]
    # 30 frames, the last of which come with those before, and the end.
    assert spans == expected + 1


def test_damage_is_that_of_the_whole_part(red: ModuleType, part: MiningPart) -> None:
    video = part.source.path
    data = video.read_bytes()
    begin = len(data) // 2
    video.write_bytes(data[:begin] + bytes(len(data) // 25) + data[begin + len(data) // 25 :])
    damaged = part_of(video)

    result, _ = divided(damaged, red.GpuRedHands)

    assert result is not None
    assert 'is damaged after' in result.damage
    assert result == whole(damaged, red.RedHands())


def test_frames_that_are_left_out_are_those_of_the_whole_part(
    red: ModuleType, tmp_path: Path
) -> None:
    import PIL.Image

    folder = tmp_path / 'frames'
    folder.mkdir()
    for number, image in enumerate(red.film(5, 5, [(2, 3)])):
        PIL.Image.fromarray(image).save(folder / f'{number:03}.png')
    (folder / '013.png').write_bytes(b'no image')
    frames = part_of(folder, RATE)

    result, _ = divided(frames, red.GpuRedHands)

    assert result is not None
    assert (result.lost, len(result.times)) == (1, 24)
    assert result == whole(frames, red.RedHands())


def test_a_detector_that_fails_in_a_span_spoils_the_part(red: ModuleType, tmp_path: Path) -> None:
    write_video(tmp_path / 'long.mp4', red.film(12, 10, [(2, 3)]), 10)
    long = part_of(tmp_path / 'long.mp4')

    result, _ = divided(long, red.FailingGpuRedHands)

    assert result == whole(long, red.FailingRedHands())
    assert result == MinedPart(
        (0, 0), (), {}, 'the detector failed: RuntimeError: no memory is left'
    )


def test_a_video_whose_decoding_fails_spoils_the_part(
    red: ModuleType, part: MiningPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames_of = VideoFile.frames

    def failing(*arguments: Any) -> Iterator[VideoFrame]:
        yield from islice(frames_of(*arguments), 9)
        raise RuntimeError('the library is confused')

    monkeypatch.setattr(VideoFile, 'frames', failing)

    result, spans = divided(part, red.GpuRedHands)

    assert spans == 1 + 1
    assert result == whole(part, red.RedHands())
    assert result == MinedPart(
        (0, 0), (), {}, 'the detector failed: RuntimeError: the library is confused'
    )


def test_without_ray_data_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'ray.data', None)
    with pytest.raises(AfformerError, match=r"Ray Data is not .*Run `pip install '\.\[cluster\]'"):
        _prepare()
