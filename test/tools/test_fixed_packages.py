# SPDX-License-Identifier: Apache-2.0
"""Wheels of ROS 2 get paths of this machine, and stubs of TensorRT are Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import fix_ros_prefix as tool
from tools.fix_tensorrt_stubs import mended

PREFIX = Path('/home/user/my venv')
NUMPY_OF_THE_BUILDER = '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include'


@pytest.fixture(scope='module')
def environment() -> tool.Environment:
    numpy_include = PREFIX / 'lib/python3.11/site-packages/numpy/core/include'
    return tool.Environment(PREFIX, Path('/usr/include/python3.11'), numpy_include)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (b'/opt/python/cp311-cp311/include/python3.11;x', b'/usr/include/python3.11;x'),
        (b'/opt/python/cp313-cp313/include/python3.13', b'/usr/include/python3.11'),
        (b'/opt/python/cp312-cp312/lib/librcl.so', b'/home/user/my venv/lib/librcl.so'),
        (b'/opt/python/cp311-cp311', b'/home/user/my venv'),
        (b'"/opt/python/cp311-cp311/include"', b'"/home/user/my venv/include"'),
        (b'/opt/python/3.11/lib', b'/opt/python/3.11/lib'),
        (b'/opt/ros/kilted', b'/opt/ros/kilted'),
    ],
)
def test_fix_text_replaces_the_builders_paths(
    environment: tool.Environment, content: bytes, expected: bytes
) -> None:
    assert tool.fix_text(content, environment) == expected


def test_headers_of_numpy_are_those_of_its_release(environment: tool.Environment) -> None:
    """Also if another NumPy has been installed since the paths were fixed."""
    fixed = tool.fix_text(NUMPY_OF_THE_BUILDER.encode(), environment)
    assert fixed == bytes(environment.numpy_include)
    two = PREFIX / 'lib/python3.11/site-packages/numpy/_core/include'
    later = tool.Environment(PREFIX, environment.include, two)
    assert tool.fix_text(fixed, later) == bytes(two)


@pytest.mark.parametrize('folder', ['_core', 'core'])
def test_headers_of_the_installed_numpy_are_found(tmp_path: Path, folder: str) -> None:
    share = tmp_path / 'share' / 'msgs.cmake'
    share.parent.mkdir()
    share.write_text(NUMPY_OF_THE_BUILDER)
    headers = tmp_path / 'lib/python3.11/site-packages/numpy' / folder / 'include'
    headers.mkdir(parents=True)
    # NumPy 1.26 has a package of that name too, without headers.
    (headers.parent.parent / '_core').mkdir(exist_ok=True)
    tool.main(tmp_path)
    assert share.read_text() == str(headers)


def test_fix_tree_names_the_files_it_changed_and_changes_none_twice(
    environment: tool.Environment, tmp_path: Path
) -> None:
    export = tmp_path / 'rcl' / 'cmake' / 'rclExport.cmake'
    export.parent.mkdir(parents=True)
    export.write_text('set(P "/opt/python/cp311-cp311/lib")\n')
    (tmp_path / 'other.txt').write_text('nothing here\n')

    assert tool.fix_tree(tmp_path, environment) == [export]
    assert export.read_text() == 'set(P "/home/user/my venv/lib")\n'
    assert tool.fix_tree(tmp_path, environment) == []


def test_fix_tree_keeps_modes_and_leaves_binary_files_and_links_alone(
    environment: tool.Environment, tmp_path: Path
) -> None:
    share, outside = tmp_path / 'share', tmp_path / 'outside.txt'
    share.mkdir()
    outside.write_text('/opt/python/cp311-cp311')
    (share / 'link.txt').symlink_to(outside)
    (share / 'library.so').write_bytes(b'\x7fELF\0/opt/python/cp311-cp311')
    script = share / 'generator'
    script.write_text('#!/opt/python/cp311-cp311/bin/python\n')
    script.chmod(0o755)
    assert tool.fix_tree(share, environment) == [script]
    assert os.stat(script).st_mode & 0o777 == 0o755
    assert outside.read_text() == '/opt/python/cp311-cp311'
    assert (share / 'library.so').read_bytes() == b'\x7fELF\0/opt/python/cp311-cp311'


def test_fix_tree_without_wheels_says_what_to_do(
    environment: tool.Environment, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match='install the ROS 2 wheels first'):
        tool.fix_tree(tmp_path / 'share', environment)


NAMED_IN = '    def forward(self, in: int) -> int:\n        ...'
DEFAULT_FIRST = '    def add(self, low: int = 0, high: int) -> None:\n        ...'
SOUND = '    def build(self, network: INetworkDefinition, index: int = 0) -> bool:\n        ...'


@pytest.mark.parametrize(
    ('signature', 'sound'),
    [
        (NAMED_IN, '    def forward(self, in_: int) -> int:\n        ...'),
        # Python lacks parameters in this order.
        (DEFAULT_FIRST, '    def add(*args, **kwargs) -> None:\n        ...'),
        (SOUND, SOUND),
    ],
)
def test_signatures_are_mended(signature: str, sound: str) -> None:
    assert mended(signature) == sound
