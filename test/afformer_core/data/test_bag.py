# SPDX-License-Identifier: Apache-2.0
"""Bags that can be read, and those that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.data.bag import Bag, BagError


def test_a_folder_and_its_bare_mcap_hold_the_same(rgbd: Path) -> None:
    with Bag(rgbd / 'bag') as folder, Bag(rgbd / 'bag' / 'bag.mcap') as bare:
        assert folder.topics == bare.topics
        assert folder.count('/camera/image') == bare.count('/camera/image') == 6
        all_of_it = [list(b.messages(None, b.start, b.end)) for b in (folder, bare)]
        assert all_of_it[0] == all_of_it[1]
        assert len(all_of_it[0]) == 8 + 3 * 6


def test_a_part_of_a_topic(rgbd: Path) -> None:
    with Bag(rgbd / 'bag') as bag:
        times = [m.time for m in bag.messages(('/demonstration',), bag.start, bag.end)]
        part = list(bag.messages(('/demonstration',), times[2], times[5]))
        assert [m.time for m in part] == times[2:5]
        assert list(bag.messages(('/nope',), bag.start, bag.end)) == []


def test_what_is_no_bag_is_refused_in_a_sentence(rgbd: Path, tmp_path: Path) -> None:
    junk, empty, cut = (tmp_path / f'{name}.mcap' for name in ('junk', 'empty', 'cut'))
    junk.write_bytes(b'hello' * 100)
    empty.write_bytes(b'')
    cut.write_bytes((rgbd / 'bag' / 'bag.mcap').read_bytes()[:-1000])
    for path in (junk, empty, cut):
        with pytest.raises(BagError, match=f'{path.name} cannot be read as a rosbag2: .*recover'):
            Bag(path)
    with pytest.raises(BagError, match='there is no bag'):
        Bag(tmp_path / 'nope')
    with pytest.raises(BagError, match=r'holds no metadata\.yaml'):
        Bag(tmp_path)
    with pytest.raises(BagError, match='ROS 1 bag'):
        Bag(tmp_path / 'old.bag')


@pytest.mark.parametrize('content', ['', 'a: [', 'rosbag2_bagfile_information: 3'])
def test_damaged_metadata_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / 'metadata.yaml').write_text(content)
    with pytest.raises(BagError, match='cannot be read as a rosbag2'):
        Bag(tmp_path)
