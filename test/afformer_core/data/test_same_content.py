# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from afformer_core.data.same_content import same_content


def test_files_of_the_same_bytes(tmp_path: Path) -> None:
    contents = {'a': b'12', 'b': b'13', 'c': b'12', 'd': b'123', 'e': b'13', 'f': b'12'}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in contents]
    assert same_content(paths, progress=False) == [
        (tmp_path / 'a', tmp_path / 'c', tmp_path / 'f'),
        (tmp_path / 'b', tmp_path / 'e'),
    ]


def test_a_link_and_a_file_that_is_named_twice_are_one(tmp_path: Path) -> None:
    (tmp_path / 'a').write_bytes(b'12')
    (tmp_path / 'b').symlink_to(tmp_path / 'a')
    (tmp_path / 'folder').mkdir()
    named = [tmp_path / name for name in ('a', 'a', 'b', 'folder', 'missing')]
    assert same_content(named, progress=False) == []
