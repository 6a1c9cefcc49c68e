# SPDX-License-Identifier: Apache-2.0
"""The table of backbones, with times that are given instead of measured."""

from pathlib import Path

import pytest

from afformer_core.benchmarks import backbone_table as module
from afformer_core.benchmarks.backbone_table import backbone_table
from afformer_core.benchmarks.inference_variants import InferenceVariant
from afformer_core.benchmarks.latency import Latency
from afformer_core.parallel.measured_subprocess import MeasurementError
from afformer_core.reports.tables import Table
from afformer_core.runtime.model_folder import read_description

TORCH = InferenceVariant.parse('torch:fp32')
MILLISECONDS = {'efficientnet_lite0': 8.0, 'timm:test_vit': 20.0}


def measured(
    folder: Path, variant: InferenceVariant, frames: int, threads: int, heatmap: Path
) -> Latency:
    configuration = read_description(folder).configuration
    assert configuration.input_size == (64, 64)
    if configuration.backbone not in MILLISECONDS:
        raise MeasurementError(variant.text, 'it was killed')
    image = MILLISECONDS[configuration.backbone]
    return Latency(variant.text, frames, image, image, 1.0, image / 2, 1.0, 123.4, 3)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(module, 'measure_in_process', measured)
    return backbone_table(['timm:test_vit', 'timm:test_convnext'], 64, 4, 1, TORCH, False)


def test_each_row_is_compared_with_the_first(table: Table) -> None:
    cannot = 'cannot: torch:fp32 cannot be measured: it was killed'
    assert table.names[2:] == (
        'image_milliseconds', 'ratio', 'frame_milliseconds', 'peak_megabytes', 'licence',
    )  # fmt: skip
    found = {name: [cells[0], *cells[2:]] for name, cells in table.rows.items()}
    assert found == {
        'efficientnet_lite0': [3.0, 8.0, 1.0, 4.0, 123, 'Apache-2.0'],
        'timm:test_vit': [0.3, 20.0, 2.5, 10.0, 123, 'apache-2.0'],
        'timm:test_convnext': [0.2, cannot, None, None, None, 'apache-2.0'],
    }


def test_an_unknown_backbone_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(ValueError, match=r"backbone is 'timm:test_vitt'; .*timm:test_vit"):
        backbone_table(['timm:test_vitt'], 64, 4, 1, TORCH, False)
