# SPDX-License-Identifier: Apache-2.0
"""The fastest backend that passes its self-test is taken, and measured once."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import backends
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.sessions import backend_choice, onnxruntime_graphs
from afformer_core.runtime.sessions.backend_choice import candidates, choice_key, fastest_backend
from afformer_core.runtime.sessions.onnx_session import OnnxSession

KEY = {'processor': 'Orin, 12 cores', 'precision': 'fp32'}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return tmp_path / 'afformer'


class Backends:
    """Backends that take some seconds, or cannot be used for a reason."""

    def __init__(self, **seconds: float | str) -> None:
        self.seconds = seconds
        self.prepared: list[str] = []
        self.lines: list[str] = []

    def prepare(self, name: str) -> Callable[[], None]:
        self.prepared.append(name)
        taken = self.seconds[name]
        if isinstance(taken, str):
            raise ModelFolderError(taken)
        return lambda: time.sleep(taken)

    def choose(self, key: dict[str, str] = KEY) -> str:
        return fastest_backend(list(self.seconds), key, self.prepare, self.lines.append)


def test_the_fastest_one_is_told_with_its_time() -> None:
    some = Backends(slow=0.02, fast=0.002, broken='differs in presence\nby a lot')

    assert some.choose() == 'fast'

    (line,) = some.lines
    assert line.startswith('backend auto is fast, ')
    assert float(line.split()[4]) == pytest.approx(2, rel=0.9)
    assert line.endswith(' ms; broken is refused, differs in presence)')


def test_it_is_measured_once_for_each_key(cache: Path) -> None:
    some = Backends(slow=0.004, fast=0.001)
    some.choose()
    # It would be measured otherwise now.
    some.seconds.update(slow=0.0)
    assert some.choose() == 'fast'
    assert some.prepared == ['slow', 'fast']

    assert some.choose({**KEY, 'processor': 'Xeon, 2 cores'}) == 'slow'
    assert len(list(cache.rglob('*.json'))) == 2


@pytest.mark.parametrize('content', ['', '{"key": {}}', '[1]', None])
def test_a_damaged_choice_is_measured_again(cache: Path, content: str | None) -> None:
    some = Backends(slow=0.004, fast=0.001)
    some.choose()
    (path,) = cache.rglob('*.json')
    damaged = path.read_text().replace('"fast"', '"unknown"') if content is None else content
    path.write_text(damaged)

    assert some.choose() == 'fast'
    assert some.prepared == ['slow', 'fast'] * 2


def test_where_none_can_be_used_the_first_one_tells_why(cache: Path) -> None:
    some = Backends(first='no graphs', second='no GPU')

    assert some.choose() == 'first'
    assert not list(cache.rglob('*.json'))


@pytest.mark.parametrize(
    ('precision', 'installed', 'expected'),
    [
        ('fp32', ('openvino',), ('onnxruntime', 'openvino')),
        ('fp32', ('openvino', 'cuda'), ('onnxruntime', 'openvino', 'onnxruntime-cuda')),
        ('fp32', (), ('onnxruntime',)),
        ('fp16', ('openvino', 'cuda'), ('onnxruntime', 'onnxruntime-cuda')),
        ('bf16', ('openvino', 'cuda'), ('openvino',)),
        ('bf16', ('cuda',), ('torch',)),
    ],
)
def test_what_is_installed_is_measured(
    small_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    installed: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    monkeypatch.setattr(
        backend_choice.importlib.util, 'find_spec', lambda name: name in installed or None
    )
    monkeypatch.setattr(onnxruntime_graphs, 'is_installed', lambda _: 'cuda' in installed)

    assert candidates(small_folder, precision) == expected


def test_without_graphs_only_pytorch_runs(copied_folder: Path) -> None:
    (copied_folder / 'graphs.json').unlink()

    assert candidates(copied_folder, 'fp32') == ('torch',)


def test_the_key_changes_with_the_graphs_and_the_threads(copied_folder: Path) -> None:
    key = choice_key(copied_folder, 'fp32', 2)
    assert key == choice_key(copied_folder, 'fp32', 2)
    assert key['onnxruntime']

    assert choice_key(copied_folder, 'fp32', 3) != key
    listing = copied_folder / 'graphs.json'
    listing.write_text(listing.read_text() + ' ')
    assert choice_key(copied_folder, 'fp32', 2) != key


class WrongSession(OnnxSession):
    """Very fast, and upside down."""

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        output = super().decode(image, memory)
        return output._replace(heatmap_logits=output.heatmap_logits[:, ::-1].copy())


def test_what_the_self_test_refuses_is_never_taken(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = backends._open_network

    def slow_or_wrong(folder: Path, backend: str, *rest: Any) -> Any:
        if backend == 'openvino':
            return WrongSession.load(folder), 'fp32'
        session, precision = opened(folder, backend, *rest)
        right = session.decode

        def decode(image: EncodedLevels, memory: Memory) -> Decoded:
            time.sleep(0.02)
            return right(image, memory)

        monkeypatch.setattr(session, 'decode', decode)
        return session, precision

    monkeypatch.setattr(backends, '_open_network', slow_or_wrong)
    monkeypatch.setattr(backends, 'candidates', lambda *_: ('onnxruntime', 'openvino'))
    lines: list[str] = []

    networks = open_networks(small_folder, 'auto', 1, report=lines.append)

    assert networks.backend == 'onnxruntime'
    assert 'openvino is refused, onnxruntime does not reproduce the golden outputs' in lines[0]
