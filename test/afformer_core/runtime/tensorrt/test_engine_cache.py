# SPDX-License-Identifier: Apache-2.0
"""The cache gives an engine only to whom it belongs, and only whole."""

import json
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.files.private_files import UntrustedWriterError
from afformer_core.runtime.tensorrt.engine_cache import (
    EngineKey,
    EngineRefusedError,
    engine_path,
    load_engine,
    obtain_engine,
    sidecar_path,
    store_engine,
)

KEY = EngineKey(
    library='TensorRT',
    library_version='10.3.0',
    cuda_version='12',
    recipe={'allows_tf32': False, 'allocates_itself': False},
    gpu='Orin',
    multiprocessors=16,
    memory=64,
    compute_capability='8.7',
    graph='ground',
    graph_sha256='ab' * 32,
    precision='fp16',
    shapes={'keys_0': [[4, 576, 56], [4, 4608, 56], [4, 18432, 56]]},
    workspace=0,
)
ENGINE = bytes(range(256)) * 4
OTHERS = {
    'library': 'TensorRT-RTX',
    'library_version': '10.4.0',
    'cuda_version': '13',
    'recipe': {'allows_tf32': True, 'allocates_itself': False},
    'gpu': 'NVIDIA RTX A2000',
    'multiprocessors': 8,
    'memory': 8,
    'compute_capability': '8.6',
    'graph': 'memorize',
    'graph_sha256': 'cd' * 32,
    'precision': 'fp32',
    'shapes': {'keys_0': [[4, 576, 56], [4, 4608, 56], [4, 4608, 56]]},
    'workspace': 512,
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


def test_every_field_of_the_key_is_tried_here() -> None:
    assert OTHERS.keys() == EngineKey.__dataclass_fields__.keys()


@pytest.mark.parametrize('field', sorted(OTHERS))
def test_what_does_not_fit_is_compiled_again_and_the_field_is_named(
    path: Path, field: str
) -> None:
    lines: list[str] = []
    other = replace(KEY, **{field: OTHERS[field]})

    assert obtain_engine(path, other, lambda: b'new', lines.append) == b'new'

    assert f'another {field} ({getattr(KEY, field)!r}, not {OTHERS[field]!r})' in lines[0]
    assert load_engine(path, other) == b'new'


@pytest.mark.parametrize(
    ('suffix', 'content', 'reason'),
    [
        ('.engine', ENGINE[:100], 'has 100 bytes; expected 1024: it was cut off'),
        ('.engine', b'x' + ENGINE[1:], 'was altered'),
        ('.engine', None, 'cannot be read: No such file'),
        ('.json', None, 'has no description beside it'),
        ('.json', b'{"format": "afformer-eng', 'cannot be read'),
        ('.json', b'[]', 'does not describe an engine'),
        ('.json', b'{"key": {}}', 'does not describe an engine'),
        ('.json', b'{"format": "afformer-engine"}', 'another library'),
        ('.json', b'{"format": "afformer-engine", "key": 5}', 'another library'),
    ],
)
def test_what_is_damaged_or_gone(
    path: Path, suffix: str, content: bytes | None, reason: str
) -> None:
    damaged = path.with_suffix(suffix)
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)

    with pytest.raises(EngineRefusedError, match=reason):
        load_engine(path, KEY)


def test_a_description_that_names_no_hash(path: Path) -> None:
    fields = json.loads(sidecar_path(path).read_text(encoding='utf-8'))
    del fields['sha256']
    sidecar_path(path).write_text(json.dumps(fields), encoding='utf-8')

    with pytest.raises(EngineRefusedError, match='was altered'):
        load_engine(path, KEY)


def test_a_build_that_fails_leaves_the_old_engine(path: Path) -> None:
    other = replace(KEY, workspace=1)

    def give_up() -> bytes:
        raise OSError('no room')

    with pytest.raises(OSError, match='no room'):
        obtain_engine(path, other, give_up, print)

    assert load_engine(path, KEY) == ENGINE


WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_engine_cache import KEY
from afformer_core.runtime.tensorrt.engine_cache import obtain_engine
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
    assert sorted(one.name for one in path.parent.iterdir()) == [
        'ground.engine',
        'ground.json',
        'ground.lock',
    ]


@pytest.mark.parametrize('field', sorted(OTHERS.keys() - {'graph_sha256', 'shapes'}))
def test_two_that_differ_never_share_a_file(field: str, tmp_path: Path) -> None:
    other = replace(KEY, **{field: OTHERS[field]})

    paths = [engine_path(tmp_path, tmp_path / 'model', key) for key in (KEY, other)]

    assert paths[0] != paths[1]
    assert sidecar_path(paths[0]) != sidecar_path(paths[1])


@pytest.mark.parametrize('field', ['graph_sha256', 'shapes'])
def test_the_next_export_of_a_model_replaces_the_one_before(field: str, tmp_path: Path) -> None:
    other = replace(KEY, **{field: OTHERS[field]})

    paths = {engine_path(tmp_path, tmp_path / 'model', key) for key in (KEY, other)}

    assert len(paths) == 1


def test_the_name_says_what_is_in_it(tmp_path: Path) -> None:
    folders = [tmp_path / 'a' / 'model', tmp_path / 'b' / 'model']
    positions = [engine_path(tmp_path, folder, KEY) for folder in folders]

    assert positions[0].parent != positions[1].parent
    assert [position.parent.name[:6] for position in positions] == ['model-', 'model-']
    assert re.fullmatch(r'ground-fp16-sm87-[0-9a-f]{8}\.engine', positions[0].name)
    anywhere = engine_path(tmp_path, folders[0], replace(KEY, compute_capability=''))
    assert anywhere.name.startswith('ground-fp16-any-')


def test_the_folder_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / 'cache' / 'model' / 'ground.engine'

    obtain_engine(path, KEY, lambda: ENGINE, print)

    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path.parent.parent)]
    assert modes == [0o700, 0o700]


@pytest.mark.parametrize('suffix', ['.engine', '.json'])
def test_a_file_that_others_may_write_is_not_read(path: Path, suffix: str) -> None:
    path.with_suffix(suffix).chmod(0o666)
    lines: list[str] = []

    assert obtain_engine(path, KEY, lambda: b'new', lines.append) == b'new'

    assert 'is 0666; expected no write access for other users' in lines[0]
    assert load_engine(path, KEY) == b'new'


def test_a_folder_that_others_may_write_is_refused(path: Path) -> None:
    path.parent.chmod(0o775)

    with pytest.raises(UntrustedWriterError, match=r'mode of .* is 0775; expected'):
        obtain_engine(path, KEY, fail, print)
