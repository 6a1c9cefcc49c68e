# SPDX-License-Identifier: Apache-2.0
"""The first backend that can be opened and passes its self-test is taken."""

from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import backends
from afformer_core.runtime.backends import Candidate, candidates, open_networks
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.sessions import onnx_session
from afformer_core.runtime.sessions.onnx_session import OnnxSession


@pytest.mark.parametrize(
    ('precision', 'installed', 'expected'),
    [
        ('fp32', ('openvino', 'bf16'), 'onnxruntime in fp32'),
        ('fp32', ('openvino', 'cuda'), 'onnxruntime-cuda in fp32, onnxruntime in fp32'),
        ('auto', ('openvino',), 'onnxruntime in fp32'),
        ('auto', ('openvino', 'bf16'), 'openvino in bf16, onnxruntime in fp32'),
        ('auto', ('bf16',), 'onnxruntime in fp32'),
        ('fp16', ('openvino', 'cuda'), 'onnxruntime-cuda in fp16, onnxruntime in fp16'),
        ('bf16', ('openvino', 'cuda'), 'openvino in bf16'),
        ('bf16', ('cuda',), 'torch in bf16'),
    ],
)
def test_what_is_installed_is_tried(
    small_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    installed: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setattr(
        backends.importlib.util, 'find_spec', lambda name: name in installed or None
    )
    monkeypatch.setattr(backends, '_computes_in_bf16', lambda: 'bf16' in installed)
    monkeypatch.setattr(onnx_session, 'has_provider', lambda _: 'cuda' in installed)

    assert ', '.join(map(str, candidates(small_folder, precision))) == expected


def test_without_graphs_only_pytorch_runs(copied_folder: Path) -> None:
    (copied_folder / 'graphs.json').unlink()

    assert candidates(copied_folder, 'auto') == (Candidate('torch', 'fp32'),)


class WrongSession(OnnxSession):
    """Upside down."""

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        output = super().decode(image, memory)
        return output._replace(heatmap_logits=output.heatmap_logits[:, ::-1].copy())


def test_what_fails_or_the_self_test_refuses_is_not_taken(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = backends._open_network

    def broken_or_wrong(folder: Path, chosen: Candidate, *rest: Any) -> Any:
        if chosen.backend == 'onnxruntime-cuda':
            raise ModelFolderError('there is no GPU\nsomewhere')
        if chosen.backend == 'openvino':
            return WrongSession(read_graphs(folder)), 'fp32'
        return opened(folder, chosen, *rest)

    monkeypatch.setattr(backends, '_open_network', broken_or_wrong)
    names = ('onnxruntime-cuda', 'openvino', 'torch', 'onnxruntime')
    offered = tuple(Candidate(name, 'fp32') for name in names)
    monkeypatch.setattr(backends, 'candidates', lambda *_: offered)
    lines: list[str] = []

    assert open_networks(small_folder, 'auto', 1, report=lines.append).backend == 'torch'

    assert lines[0] == 'backend auto is not onnxruntime-cuda in fp32: there is no GPU'
    assert lines[1].startswith(
        'backend auto is not openvino in fp32: onnxruntime does not reproduce the golden outputs'
    )
    assert lines[2:] == ['backend auto is torch in fp32']


def test_where_none_can_be_used_the_last_one_tells_why(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, chosen: Candidate, *rest: Any) -> Any:
        raise ModelFolderError(f'{chosen} is broken')

    monkeypatch.setattr(backends, '_open_network', fail)
    offered = Candidate('openvino', 'bf16'), Candidate('onnxruntime', 'fp32')
    monkeypatch.setattr(backends, 'candidates', lambda *_: offered)

    with pytest.raises(ModelFolderError, match='onnxruntime in fp32 is broken'):
        open_networks(small_folder, 'auto', 1)
