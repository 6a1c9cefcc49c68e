# SPDX-License-Identifier: Apache-2.0
"""The authors' ViTDet-B model, against numbers of the same written out plainly."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.cli.main import main
from afformer_core.models import released_vitdet_b
from afformer_core.models.afformer import Afformer
from afformer_core.models.pretrained.checkpoint_file import CheckpointError
from afformer_core.models.pretrained.official_checkpoint import _vitdet_name, import_official
from afformer_core.runtime.model_folder import read_description

from ..known_weights import known_images, vitdet_tensors

SIDE, FRAMES = 64, 2
# By the released model, written out plainly with its own names: each heatmap at row 5 and column
# 7, the last one every 5 pixels, the deviation of all, and the actions.
HEATMAPS = [0.138, 5.8352, 0.3297, -5.8703, -0.8429, 5.8023, 1.347]
LAST_HEATMAP = [
    *(-4.0528, -2.3486, -1.7372, 2.4728, 5.2477, -0.3011),
    *(-0.6641, 5.1157, -3.3504, 1.7587, -2.1521, 5.4558),
]
DEVIATION = 3.3252
SCORES = [0.2188, -0.0648, -0.1679, 0.0562, 0.157, -0.0418, -0.1921]


@pytest.fixture(scope='module')
def state() -> dict[str, Tensor]:
    """For images of 64 x 64 and at most 6 frames, with true widths and depth."""
    configuration = replace(released_vitdet_b(OPRA_ACTIONS, (SIDE, SIDE)), maximum_frames=6)
    tensors = vitdet_tensors(Afformer(configuration))
    return {f'network.{_vitdet_name(name)}': tensor for name, tensor in tensors.items()}


@pytest.mark.slow
@torch.no_grad()
def test_gives_what_the_released_model_gives(state: dict[str, Tensor]) -> None:
    model = import_official(state, OPRA_ACTIONS)

    images = known_images(1 + FRAMES, SIDE, SIDE, 3)
    heatmaps, actions = model(images[:1], images[None, 1:])

    assert heatmaps[0, :, 5, 7].tolist() == pytest.approx(HEATMAPS, abs=3e-4)
    assert heatmaps[0, -1, ::5, 3::5].flatten().tolist() == pytest.approx(LAST_HEATMAP, abs=3e-4)
    assert float(heatmaps.std()) == pytest.approx(DEVIATION, abs=3e-4)
    assert actions[0].tolist() == pytest.approx(SCORES, abs=3e-4)
    configuration = model.configuration
    assert (configuration.backbone, configuration.input_size) == ('vitdet_b', (SIDE, SIDE))
    assert (configuration.maximum_frames, configuration.heatmap_per_action) == (6, True)
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'network.decoder.v3d.weight': None}, 'missing: decoder.v3d.weight'),
        (
            {'network.encoder.pos_embed': torch.zeros(1, 5, 768)},
            'of another shape: encoder.pos_embed is (1, 5, 768), expected (1, 14, 14, 768)',
        ),
        (
            {'network.decoder.cross_block_3d.attn.rel_pos_h': torch.zeros(9, 64)},
            'not of the ViTDet-B model: input_size is',
        ),
    ],
)
@pytest.mark.usefixtures('zeroed_initializers')
def test_what_does_not_match_is_listed(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=re.escape(message)):
        import_official(changed, OPRA_ACTIONS)


@pytest.mark.slow
@pytest.mark.usefixtures('zeroed_initializers')
def test_from_the_shell(
    state: dict[str, Tensor], scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = scratch / 'vitdet.ckpt', scratch / 'model'
    torch.save({'state_dict': state, 'epoch': 1}, path)

    assert main(['import-checkpoint', str(path), str(folder)]) == 0

    assert 'ViTDet-B, 64x64, 6 frames, actions' in capsys.readouterr().out
    description = read_description(folder)
    assert description.configuration.video_encoder == 'separate_last_block'
    assert description.training['imported'] == 'vitdet.ckpt'
