# SPDX-License-Identifier: Apache-2.0
"""The ViTDet models as graphs, of fewer blocks so that it takes seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.models import AfformerConfiguration, afformer_vitdet_b, released_vitdet_b
from afformer_core.models.backbones import vitdet_encoder as vitdet
from afformer_core.models.backbones.vitdet import VisionTransformer
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, random_model

PAPER = replace(afformer_vitdet_b(ACTIONS, (64, 128)), maximum_frames=3)
RELEASED = replace(released_vitdet_b(ACTIONS, (64, 128)), maximum_frames=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('configuration', 'precision'),
    [(PAPER, 'fp32'), (RELEASED, 'fp16')],
    ids=['paper', 'released'],
)
def test_graphs_give_what_torch_gives(
    configuration: AfformerConfiguration,
    precision: str,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip('onnxscript')
    from afformer_core.runtime.export.export import export_graphs

    monkeypatch.setattr(vitdet, 'VisionTransformer', lambda grid, _=12: VisionTransformer(grid, 1))
    save_model(scratch, random_model(configuration), {})

    # The export raises where they differ by more than the precision allows.
    assert export_graphs(scratch, precision).heatmap < {'fp32': 2e-5, 'fp16': 0.02}[precision]
