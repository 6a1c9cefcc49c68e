# SPDX-License-Identifier: Apache-2.0
"""`afformer build-engine`: what it exports before it compiles."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.cli.main import main
from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, random_model


@pytest.mark.parametrize(('known', 'opset'), [(True, None), (False, 18)])
def test_graphs_are_exported_in_an_opset_that_is_taken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    known: bool,
    opset: int | None,
) -> None:
    def told(folder: Path, precision: str, opset: int | None = None) -> float:
        raise ModelFolderError(f'exported {precision} in opset {opset}')

    monkeypatch.setattr('afformer_core.runtime.tensorrt.library.KNOWS_ATTENTION', known)
    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', told)
    save_model(tmp_path, random_model(afformer_small(ACTIONS, (64, 64))), {})

    assert main(['build-engine', str(tmp_path)]) == 1
    assert f'exported fp16 in opset {opset}' in capsys.readouterr().err


def test_a_cache_that_others_may_write_is_refused(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o777)
    options = ['--precision', 'fp32', '--compute-capability', '8.6', '--cache', str(tmp_path)]

    assert main(['build-engine', *options, str(small_folder)]) == 1

    assert (
        f'the mode of {tmp_path} is 0777; expected no write access for other'
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []
