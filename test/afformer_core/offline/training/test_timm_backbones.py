# SPDX-License-Identifier: Apache-2.0
"""Models with backbones of timm, from options to a folder that a robot loads."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from afformer_core.offline.training.command import train
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.model_folder import read_description

from .conftest import images

# Names, and a side that their patches divide.
BACKBONES = {
    'sam2_hiera_tiny.fb_r896_2pt1': 64,
    'vit_small_patch14_dinov2.lvd142m': 112,
    'vit_small_patch14_reg4_dinov2.lvd142m': 112,
    'vit_pe_spatial_small_patch16_512.fb': 64,
    'convnext_tiny.in12k': 64,
}


def trained(folder: Path, annotations: Path, name: str, side: int, steps: int) -> Path:
    train(
        images(
            annotations,
            f'--output={folder}',
            f'--model.architecture.backbone=timm:{name}',
            f'--model.architecture.input_size=[{side},{side}]',
            '--model.optimization.backbone_factor=0.1',
            '--data.frames=uniform 2',
            '--data.batch_size=1',
            f'--trainer.max_steps={steps}',
            f'--trainer.val_check_interval={steps}',
        )
    )
    return folder


def built(folder: Path, cache: Path) -> set[str]:
    """Compile the graphs for a GPU that is not here."""
    from afformer_core.runtime.tensorrt.compiled_model import compile_model

    return set(compile_model(folder, 'fp32', cache, print).engines)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(('name', 'side'), BACKBONES.items(), ids=BACKBONES)
def test_it_trains_and_its_graphs_give_what_torch_gives(
    name: str, side: int, annotations: Path, tmp_path: Path
) -> None:
    folder = trained(tmp_path / 'model', annotations, name, side, 20)

    assert export_graphs(folder).heatmap < 1e-4
    if find_spec('tensorrt_rtx_bindings') is None:
        pytest.skip('trained and exported; not built, since TensorRT for RTX is not installed')
    assert built(folder, tmp_path / 'cache') == set(read_description(folder).graph_names)
