# SPDX-License-Identifier: Apache-2.0
"""Files that another user may have written, and folders in which another run works."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from afformer_core.files.atomic import FolderHeldError, folder_lock
from afformer_core.files.private_files import (
    UntrustedWriterError,
    cache_folder,
    make_private_folder,
    read_private_file,
)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'afformer'
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert cache_folder() == tmp_path / 'home' / '.cache' / 'afformer'


def test_a_user_without_a_home_has_a_cache_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user of a container whom /etc/passwd does not know."""

    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr('pwd.getpwuid', unknown)
    monkeypatch.setattr('os.getuid', lambda: 4711)
    assert cache_folder() == Path(tempfile.gettempdir()) / 'afformer-4711'


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason='only root can give a file away')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'engine'
    path.write_bytes(b'engine')
    path.chmod(0o644)
    return path


def test_a_folder_is_made_with_those_above_it_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / 'above' / 'cache'

    make_private_folder(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    # Others may read an existing one.
    folder.chmod(0o755)
    make_private_folder(folder)


@pytest.mark.parametrize('mode', [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / 'cache'
    folder.mkdir()
    folder.chmod(mode)

    with pytest.raises(UntrustedWriterError, match=f'is 0{mode:o}; .* run: chmod -R go-w '):
        make_private_folder(folder)


def test_a_file_of_this_user_is_read(file: Path) -> None:
    assert read_private_file(file) == b'engine'


@pytest.mark.parametrize('mode', [0o664, 0o646])
def test_a_file_that_others_may_write_is_not_read(file: Path, mode: int) -> None:
    file.chmod(mode)

    with pytest.raises(UntrustedWriterError, match=f'is 0{mode:o}'):
        read_private_file(file)


@AS_ROOT
@pytest.mark.parametrize(
    'checked', [read_private_file, lambda file: make_private_folder(file.parent)]
)
def test_what_belongs_to_another_user_is_refused(
    file: Path, checked: Callable[[Path], object]
) -> None:
    file.parent.chmod(0o700)
    for path in (file, file.parent):
        os.chown(path, 4711, -1)

    with pytest.raises(UntrustedWriterError, match=r'belongs to user 4711; .* XDG_CACHE_HOME'):
        checked(file)


def test_a_link_is_not_followed(file: Path) -> None:
    link = file.with_name('link')
    link.symlink_to(file)

    with pytest.raises(OSError, match='symbolic link'):
        read_private_file(link)


HOLD = """
import sys, time
from pathlib import Path
from afformer_core.files.atomic import folder_lock
with folder_lock(Path(sys.argv[1])):
    print('held', flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_until_who_holds_it_has_died(tmp_path: Path) -> None:
    command = [sys.executable, '-c', HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == 'held\n'
        told = pytest.raises(FolderHeldError, match='another run works in')
        with told, folder_lock(tmp_path, patient=False):
            pass
        other.kill()
    with folder_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []
    with folder_lock(tmp_path, patient=False):
        pass
