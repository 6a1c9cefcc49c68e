# SPDX-License-Identifier: Apache-2.0
"""Topics of bags as sources, and which of them are cameras."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from rosbags.rosbag2 import StoragePlugin

from afformer_core.media.bag import BagError
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic, bag_topics
from afformer_core.offline.maskahand.sources.frame_source import LostFrame

Make = Callable[..., Any]


@pytest.mark.parametrize('storage', StoragePlugin)
def test_frames_of_raw_and_compressed_topics(
    write_bag: Callable[..., Path],
    raw: Make,
    compressed: Make,
    storage: StoragePlugin,
    tmp_path: Path,
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right/compressed': compressed}, storage)
    assert bag_topics(bag) == [BagTopic(bag, '/left'), BagTopic(bag, '/right/compressed')]
    for source in bag_topics(bag):
        frames = list(source.frames(5.0))
        assert [frame.time for frame in frames] == [0, 0.2, 0.4, 0.6, 0.8]
        assert [frame.image[0, 0].tolist() for frame in frames] == [[2 * n] * 3 for n in range(5)]
        parts = [*source.frames(5.0, 0, 0.5), *source.frames(5.0, 0.5)]
        assert [frame.image[0, 0, 0] for frame in parts] == [0, 2, 4, 6, 8]
        assert source.at([0.8, 0.2])[:, 0, 0, 0].tolist() == [8, 2]
        assert source.duration() == pytest.approx(0.9, abs=0.1)
        assert (source.windows(0.3), source.windows(60.0)) == ([0, 1, 2, 3], [0])


def test_a_late_part_does_not_need_the_beginning(
    write_bag: Callable[..., Path], raw: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw})
    monkeypatch.setattr('afformer_core.offline.maskahand.sources.bag_topic._LEADS', (0.15, 60.0))
    read = []
    monkeypatch.setattr(
        'afformer_core.offline.maskahand.sources.frame_source.chosen_frames',
        lambda frames, *_: (read.append(time) or (time, frame) for time, frame in frames),
    )
    list(BagTopic(bag, '/left').frames(10.0, 0.7))
    assert read == pytest.approx([0.6, 0.7, 0.8, 0.9])


def test_what_the_node_published_depth_and_second_copies_are_no_cameras(
    write_bag: Callable[..., Path], raw: Make, compressed: Make, tmp_path: Path
) -> None:
    topics = {
        '/camera/image': raw,
        '/camera/image/compressed': compressed,
        '/camera/aligned_depth/image': raw,
        '/range': lambda number: raw(number, '16UC1'),
        '/metres': lambda number: raw(number, '32FC1'),
        '/packed': lambda number: compressed(number, '16UC1; compressedDepth png'),
        '/grounding/overlay': raw,
        '/overlay/compressed': compressed,
    }
    bag = write_bag(tmp_path / 'bag', topics)
    assert bag_topics(bag) == [BagTopic(bag, '/camera/image')]


def test_an_image_that_is_cut_off_is_told_and_those_after_it_are_read(
    write_bag: Callable[..., Path], compressed: Make, tmp_path: Path
) -> None:
    def cut_off(number: int) -> Any:
        message = compressed(number)
        if number == 4:
            message.data = message.data[:20]
        return message

    bag = write_bag(tmp_path / 'bag', {'/left': cut_off})
    frames = list(BagTopic(bag, '/left').frames(5.0))
    assert [frame.time for frame in frames] == [0, 0.2, 0.4, 0.6, 0.8]
    assert [isinstance(frame, LostFrame) for frame in frames] == [False, False, True, False, False]
    assert 'cannot be decoded (Truncated File Read)' in frames[2].reason


def test_a_topic_that_is_not_there_is_told_with_those_that_are(
    write_bag: Callable[..., Path], raw: Make, tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw})
    with pytest.raises(BagError, match=r"no image of the topic '/right'\. Choose .*: /left"):
        BagTopic(bag, '/right').duration()


@pytest.mark.parametrize('starts', [(0.0,), (0.0, 0.4, 0.8)])
def test_messages_that_are_lost_inside_are_told_once_the_others_were_given(
    write_bag: Callable[..., Path], raw: Make, tmp_path: Path, starts: tuple[float, ...]
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw})
    data = bytearray((bag / 'bag.mcap').read_bytes())
    # The fourth message becomes a record of another kind, which ends after the file.
    begin = data.index((1_700_000_000_300_000_000).to_bytes(8, 'little')) - 15
    data[begin : begin + 9] = b'\x80' + b'\xff' * 4 + bytes(4)
    (bag / 'bag.mcap').write_bytes(data)
    source, parts = BagTopic(bag, '/left'), zip(starts, (*starts[1:], math.inf), strict=True)
    frames = chain.from_iterable(source.frames(10.0, *part) for part in parts)
    read: list[Any] = []
    with pytest.raises(BagError, match='only 3 of its 10 messages of /left can be read'):
        list(map(read.append, frames))
    assert [frame.time for frame in read] == pytest.approx([0, 0.1, 0.2])


def test_a_topic_without_the_messages_that_the_bag_tells_of_is_damaged_when_it_is_read(
    write_bag: Callable[..., Path], raw: Make, compressed: Make, tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / 'bag', {'/left': raw, '/right/compressed': compressed})
    told = (bag / 'metadata.yaml').read_text()
    (bag / 'metadata.yaml').write_text(told.replace('name: /left', 'name: /gone'))
    gone, there = bag_topics(bag)
    assert len(list(there.frames(5.0))) == 5
    with pytest.raises(BagError, match='only 0 of its 10 messages of /gone'):
        gone.duration()


@pytest.mark.parametrize('storage', StoragePlugin)
def test_a_clock_that_is_set_while_it_records_makes_no_windows_of_the_pause(
    write_bag: Callable[..., Path], raw: Make, storage: StoragePlugin, tmp_path: Path
) -> None:
    pause = 1_760_000_000
    bag = write_bag(tmp_path / 'bag', {'/left': raw}, storage, start=10**9, pause=pause * 10**9)
    source = BagTopic(bag, '/left')
    assert source.windows(1.0) == [0, pause]
    assert len(source.windows(0.25)) == 4
    parts = [*source.frames(10.0, 0, 1), *source.frames(10.0, pause)]
    assert [frame.image[0, 0, 0] for frame in parts] == [*range(10)]
    assert source.at([parts[7].time])[0, 0, 0, 0] == 7
