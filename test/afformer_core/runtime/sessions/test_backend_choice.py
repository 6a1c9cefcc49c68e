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
from afformer_core.runtime.sessions.backend_choice import (
    Candidate,
    candidates,
    choice_key,
    fastest_backend,
)
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

    def prepare(self, candidate: Candidate) -> Callable[[], None]:
        self.prepared.append(candidate.backend)
        taken = self.seconds[candidate.backend]
        if isinstance(taken, str):
            raise ModelFolderError(taken)
        return lambda: time.sleep(taken)

    def choose(self, key: dict[str, str] = KEY) -> str:
        among = [Candidate(name, 'fp32') for name in self.seconds]
        return fastest_backend(among, key, self.prepare, self.lines.append).backend


def test_the_fastest_one_is_told_with_its_time() -> None:
    some = Backends(slow=0.02, fast=0.002, broken='differs in presence\nby a lot')

    assert some.choose() == 'fast'

    (line,) = some.lines
    assert line.startswith('backend auto is fast in fp32, ')
    assert float(line.split()[6]) == pytest.approx(2, rel=0.9)
    assert line.endswith(' ms; broken in fp32 is refused, differs in presence)')


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
    damaged = (
        path.read_text().replace('"fast in fp32"', '"unknown"') if content is None else content
    )
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
        ('fp32', ('openvino',), 'onnxruntime in fp32, openvino in fp32'),
        (
            'fp32',
            ('openvino', 'bf16', 'cuda'),
            'onnxruntime in fp32, openvino in fp32, onnxruntime-cuda in fp32',
        ),
        ('auto', ('openvino',), 'onnxruntime in fp32, openvino in fp32'),
        (
            'auto',
            ('openvino', 'bf16'),
            'onnxruntime in fp32, openvino in fp32, openvino in bf16',
        ),
        ('auto', ('bf16',), 'onnxruntime in fp32'),
        ('fp32', (), 'onnxruntime in fp32'),
        ('fp16', ('openvino', 'cuda'), 'onnxruntime in fp16, onnxruntime-cuda in fp16'),
        ('bf16', ('openvino', 'cuda'), 'openvino in bf16'),
        ('bf16', ('cuda',), 'torch in bf16'),
    ],
)
def test_what_is_installed_is_measured(
    small_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    installed: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setattr(
        backend_choice.importlib.util, 'find_spec', lambda name: name in installed or None
    )
    monkeypatch.setattr(backend_choice, '_computes_in_bf16', lambda: 'bf16' in installed)
    monkeypatch.setattr(onnxruntime_graphs, 'is_installed', lambda _: 'cuda' in installed)

    assert ', '.join(map(str, candidates(small_folder, precision))) == expected


def test_without_graphs_only_pytorch_runs(copied_folder: Path) -> None:
    (copied_folder / 'graphs.json').unlink()

    assert candidates(copied_folder, 'auto') == (Candidate('torch', 'fp32'),)


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

    def slow_or_wrong(folder: Path, chosen: Candidate, *rest: Any) -> Any:
        if chosen.backend == 'openvino':
            return WrongSession.load(folder), 'fp32'
        session, precision = opened(folder, chosen, *rest)
        right = session.decode

        def decode(image: EncodedLevels, memory: Memory) -> Decoded:
            time.sleep(0.02)
            return right(image, memory)

        monkeypatch.setattr(session, 'decode', decode)
        return session, precision

    monkeypatch.setattr(backends, '_open_network', slow_or_wrong)
    offered = Candidate('onnxruntime', 'fp32'), Candidate('openvino', 'bf16')
    monkeypatch.setattr(backends, 'candidates', lambda *_: offered)
    lines: list[str] = []

    networks = open_networks(small_folder, 'auto', 1, report=lines.append)

    assert networks.backend == 'onnxruntime'
    assert (
        'openvino in bf16 is refused, onnxruntime does not reproduce the golden outputs'
        in lines[0]
    )
