# SPDX-License-Identifier: Apache-2.0
"""Bags that can be read, and those that cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from afformer_core.media.bag import Bag, BagError, BagMessage

TYPES = get_typestore(Stores.ROS2_HUMBLE)


def write_texts(
    folder: Path,
    storage: StoragePlugin,
    length: int = 500,
    compression: CompressionMode = CompressionMode.NONE,
) -> Path:
    """Writes 60 texts of a topic; returns the file in which they lie."""
    writer = Writer(folder, version=9, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/texts', 'std_msgs/msg/String', typestore=TYPES)
        text = TYPES.types['std_msgs/msg/String']('x' * length)
        data = TYPES.serialize_cdr(text, 'std_msgs/msg/String')
        for number in range(60):
            writer.write(connection, 1_700_000_000 * 10**9 + number, data)
    return folder / metadata_of(folder).split('relative_file_paths:')[1].split()[1]


def metadata_of(folder: Path) -> str:
    return (folder / 'metadata.yaml').read_text()


def overwrite(file: Path, begin: int, replacement: bytes) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:begin] + replacement + data[begin + len(replacement) :])


def test_a_folder_and_its_bare_mcap_hold_the_same(rgbd: Path) -> None:
    with Bag(rgbd / 'bag') as folder, Bag(rgbd / 'bag' / 'bag.mcap') as bare:
        assert folder.topics == bare.topics
        assert folder.count('/camera/image') == bare.count('/camera/image') == 6
        all_of_it = [list(b.messages(b.topics, b.start, b.end)) for b in (folder, bare)]
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
    with pytest.raises(BagError, match='does not exist; expected a bag'):
        Bag(tmp_path / 'nope')
    with pytest.raises(BagError, match=r'contains no metadata\.yaml'):
        Bag(tmp_path)
    with pytest.raises(BagError, match='ROS 1 bag'):
        Bag(tmp_path / 'old.bag')


def test_messages_that_are_lost_inside_are_told(tmp_path: Path) -> None:
    file = write_texts(tmp_path / 'bag', StoragePlugin.MCAP)
    overwrite(file, file.stat().st_size // 2, bytes(4096))
    with Bag(tmp_path / 'bag') as bag:
        read: list[BagMessage] = []
        with pytest.raises(BagError, match='bag is damaged or cut off: only') as told:
            list(map(read.append, bag.messages(('/texts',), bag.start, bag.end)))
    assert 20 < len(read) < 40
    assert f'only {len(read)} of its 60 messages of /texts can be read' in str(told.value)


@pytest.mark.parametrize(
    ('length', 'compression', 'reason'),
    [(30_000, CompressionMode.NONE, 'malformed'), (500, CompressionMode.MESSAGE, '[Zz]stand')],
)
def test_a_database_that_is_damaged_inside_is_told(
    tmp_path: Path, length: int, compression: CompressionMode, reason: str
) -> None:
    file = write_texts(tmp_path / 'bag', StoragePlugin.SQLITE3, length, compression)
    if compression is CompressionMode.NONE:
        overwrite(file, file.stat().st_size // 2, b'\xff' * 8192)
    else:
        file.write_bytes(file.read_bytes().replace(b'\x28\xb5\x2f\xfd', bytes(4)))
    with (
        Bag(tmp_path / 'bag') as bag,
        pytest.raises(BagError, match=f'bag is damaged: .*{reason}'),
    ):
        list(bag.messages(bag.topics, bag.start, bag.end))


@pytest.mark.parametrize('storage', StoragePlugin)
def test_all_messages_are_given_where_the_metadata_tell_another_time(
    tmp_path: Path, storage: StoragePlugin
) -> None:
    write_texts(tmp_path / 'bag', storage)
    told = metadata_of(tmp_path / 'bag').replace('1700000000', '99991700000000')
    (tmp_path / 'bag' / 'metadata.yaml').write_text(told)
    with Bag(tmp_path / 'bag') as bag:
        assert len(list(bag.messages(('/texts',), bag.start, bag.end))) == 60


@pytest.mark.parametrize(
    ('sound', 'damaged'),
    [
        ('message_count: ', 'message_count: x'),
        ('nanoseconds_since_epoch: ', 'nanoseconds_since_epoch: x'),
        ('name: /camera/image\n', 'name: 3\n'),
        (None, ''),
        (None, 'a: ['),
        (None, 'rosbag2_bagfile_information: 3'),
    ],
)
def test_metadata_of_another_kind_are_refused(
    rgbd: Path, tmp_path: Path, sound: str | None, damaged: str
) -> None:
    folder = shutil.copytree(rgbd / 'bag', tmp_path / 'bag')
    if sound:
        assert sound in metadata_of(folder)
        damaged = metadata_of(folder).replace(sound, damaged)
    (folder / 'metadata.yaml').write_text(damaged)
    with pytest.raises(BagError, match='bag cannot be read as a rosbag2'):
        Bag(folder)
