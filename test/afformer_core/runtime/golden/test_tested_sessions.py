# SPDX-License-Identifier: Apache-2.0
"""The self-test on a GPU: the whole model, in the coarsest precision of its networks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from afformer_core.runtime import backends
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.self_test import GPU_TOLERANCES, Differences
from afformer_core.runtime.sessions.backend_choice import Candidate

Tests = list[tuple[Any, Any, Differences]]


@pytest.fixture
def tests(monkeypatch: pytest.MonkeyPatch) -> Tests:
    """The tests that are made of sessions; the decoder has fp16, the matching network fp32."""
    made: Tests = []

    def opened(folder: Path, chosen: Candidate, *rest: object) -> tuple[Any, str]:
        precision = 'fp32' if folder.name == 'matching' else 'fp16'
        return SimpleNamespace(backend=chosen.backend, folder=folder), precision

    def golden(folder: Path, precision: str, with_matching: bool) -> Any:
        return precision, with_matching

    def tested(session: Any, golden: Any, allowed: Differences, description: Any) -> Differences:
        made.append((session, golden, allowed))
        return Differences(0.125, 0.5, 0.25, 0.0625)

    monkeypatch.setattr(backends, '_open_network', opened)
    monkeypatch.setattr('afformer_core.runtime.golden.golden_outputs.golden_outputs', golden)
    monkeypatch.setattr('afformer_core.runtime.self_test.self_test', tested)
    return made


@pytest.mark.parametrize('backend', ['torch-cuda', 'tensorrt'])
def test_both_networks_together(matched_folder: Path, tests: Tests, backend: str) -> None:
    lines: list[str] = []
    networks = open_networks(matched_folder, backend, 0, 'auto', lines.append)

    assert networks.matching is not None
    assert tests == [(networks, ('fp16', True), GPU_TOLERANCES['fp16'])]
    assert lines == [
        f'{backend} and the golden outputs: 0.12 of the heatmap lies elsewhere, the peak moves by '
        '0.5 pixels, an action score by 0.25 and presence by 0.062'
    ]


def test_the_decoder_alone(matched_folder: Path, tests: Tests) -> None:
    networks = open_networks(matched_folder, 'torch-cuda', 0, with_matching=False)

    assert tests == [(networks, ('fp16', False), GPU_TOLERANCES['fp16'])]


@pytest.mark.parametrize('backend', ['torch', 'onnxruntime'])
def test_nothing_on_a_cpu(matched_folder: Path, tests: Tests, backend: str) -> None:
    open_networks(matched_folder, backend, 0)

    assert tests == []
