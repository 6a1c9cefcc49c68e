# SPDX-License-Identifier: Apache-2.0
"""The cache gives an engine only to whom it belongs, and only whole."""

import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from afformer_core.files.private_files import UntrustedWriterError
from afformer_core.runtime.tensorrt.compiled_model import (
    OF_THE_MODEL,
    engine_path,
    load_engine,
    obtain_engine,
    store_engine,
)

KEY = {
    'library': 'TensorRT 10.3.0',
    'gpu': 'Orin',
    'graph': 'ground',
    'graph_sha256': 'ab' * 32,
    'precision': 'fp16',
    'shapes': {'keys_0': ((4, 576, 56), (4, 4608, 56), (4, 18432, 56))},
}
ENGINE = bytes(range(256)) * 4
OTHERS = {
    'library': 'TensorRT 10.4.0',
    'gpu': 'NVIDIA RTX A2000',
    'graph': 'memorize',
    'graph_sha256': 'cd' * 32,
    'precision': 'fp32',
    'shapes': {'keys_0': ((4, 576, 56), (4, 4608, 56), (4, 4608, 56))},
}


def fail() -> bytes:
    raise AssertionError('it was compiled although the cache holds it')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    stored = tmp_path / 'ground.engine'
    store_engine(stored, KEY, ENGINE)
    return stored


def test_an_engine_comes_back(path: Path) -> None:
    assert load_engine(path, KEY) == ENGINE
    assert obtain_engine(path, KEY, fail, print) == ENGINE


@pytest.mark.parametrize('field', sorted(OTHERS))
def test_what_does_not_fit_is_compiled_again(path: Path, field: str) -> None:
    lines: list[str] = []
    other = {**KEY, field: OTHERS[field]}

    assert obtain_engine(path, other, lambda: b'new', lines.append) == b'new'

    assert lines == [
        f'{path} is not used, because it is damaged, or was compiled from another graph'
    ]
    assert load_engine(path, other) == b'new'


def altered(content: bytes, position: int) -> bytes:
    return bytes(one ^ (index == position % len(content)) for index, one in enumerate(content))


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[:100],
        lambda content: b'',
        lambda content: altered(content, 0),
        lambda content: altered(content, -1),
    ],
)
def test_what_is_damaged_or_gone(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))
    assert load_engine(path, KEY) is None

    path.unlink()
    assert load_engine(path, KEY) is None


def test_a_build_that_fails_leaves_the_old_engine(path: Path) -> None:
    def give_up() -> bytes:
        raise OSError('no room')

    with pytest.raises(OSError, match='no room'):
        obtain_engine(path, {**KEY, 'gpu': 'Thor'}, give_up, print)

    assert load_engine(path, KEY) == ENGINE


WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_engine_cache import KEY
from afformer_core.runtime.tensorrt.compiled_model import obtain_engine
def build():
    print('compiling', flush=True)
    time.sleep(1.0)
    return {engine!r} * 100000
assert obtain_engine(Path({path!r}), KEY, build, print) == {engine!r} * 100000
"""


def test_of_two_processes_one_compiles(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'ground.engine'
    script = WRITER.format(tests=str(Path(__file__).parent), path=str(path), engine=b'engine')
    processes = [
        subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert sum('compiling\n' in output for output in outputs) == 1
    assert load_engine(path, KEY) == b'engine' * 100000


@pytest.mark.parametrize('field', sorted(OTHERS))
def test_two_that_differ_share_a_file_only_if_they_are_exports_of_one_model(
    field: str, tmp_path: Path
) -> None:
    other = {**KEY, field: OTHERS[field]}

    paths = {engine_path(tmp_path, tmp_path / 'model', key) for key in (KEY, other)}

    assert len(paths) == (1 if field in OF_THE_MODEL else 2)


def test_the_name_says_what_is_in_it(tmp_path: Path) -> None:
    folders = [tmp_path / 'a' / 'model', tmp_path / 'b' / 'model']
    positions = [engine_path(tmp_path, folder, KEY) for folder in folders]

    assert positions[0].parent != positions[1].parent
    assert [position.parent.name[:6] for position in positions] == ['model-', 'model-']
    assert re.fullmatch(r'ground-fp16-[0-9a-f]{8}\.engine', positions[0].name)


def test_the_folder_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / 'cache' / 'model' / 'ground.engine'

    obtain_engine(path, KEY, lambda: ENGINE, print)

    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path.parent.parent)]
    assert modes == [0o700, 0o700]


def test_a_file_that_others_may_write_is_not_read(path: Path) -> None:
    path.chmod(0o666)
    lines: list[str] = []

    assert obtain_engine(path, KEY, lambda: b'new', lines.append) == b'new'

    assert 'is 0666; expected no write access for other users' in lines[0]
    assert load_engine(path, KEY) == b'new'


def test_a_folder_that_others_may_write_is_refused(path: Path) -> None:
    path.parent.chmod(0o775)

    with pytest.raises(UntrustedWriterError, match=r'mode of .* is 0775; expected'):
        obtain_engine(path, KEY, fail, print)
