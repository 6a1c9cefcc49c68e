# SPDX-License-Identifier: Apache-2.0
"""Weights of timm's models from files as timm publishes them, and from a hub out of reach."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from afformer_core.errors import AfformerError
from afformer_core.models import AfformerConfiguration, afformer_small
from afformer_core.models.backbones.timm_body import timm_fields
from afformer_core.models.pretrained.timm_weights import load_timm_weights

from ...conftest import ACTIONS, random_model


def configured(name: str) -> AfformerConfiguration:
    return replace(afformer_small(ACTIONS), **timm_fields(f'timm:{name}', (64, 96)))


def published(name: str, path: Path, without: str = 'none') -> dict[str, torch.Tensor]:
    """Write a whole model, its classifier included, at the size that it was trained at."""
    torch.manual_seed(7)
    state = timm.create_model(name).state_dict()
    kept = {key: tensor.clone() for key, tensor in state.items() if without not in key}
    save_file(kept, path)
    return kept


@pytest.mark.parametrize(
    ('name', 'parameter'),
    [
        ('test_vit', 'blocks.5.mlp.fc2.weight'),
        ('test_convnext', 'stages.3.blocks.0.mlp.fc1.weight'),
    ],
)
def test_a_file_fills_the_body(name: str, parameter: str, tmp_path: Path) -> None:
    configuration = configured(name)
    expected = published(name, tmp_path / 'model.safetensors')
    body = random_model(configuration).encoder.backbone_with_fpn.body

    load_timm_weights(body, configuration, tmp_path / 'model.safetensors')

    found = {key.replace('stages_', 'stages.'): each for key, each in body.state_dict().items()}
    assert torch.equal(found[f'network.{parameter}'], expected[parameter])


def test_positions_are_resampled_to_the_input_size(tmp_path: Path) -> None:
    configuration = configured('test_vit')
    given = published('test_vit', tmp_path / 'model.safetensors')['pos_embed']
    body = random_model(configuration).encoder.backbone_with_fpn.body

    load_timm_weights(body, configuration, tmp_path / 'model.safetensors')

    found = body.state_dict()['network.pos_embed']
    assert given.shape == (1, 101, 64)
    assert found.shape == (1, 25, 64)
    # The class token's comes first and has no place.
    assert torch.equal(found[:, 0], given[:, 0])


def test_a_file_that_leaves_out_a_block_is_refused(tmp_path: Path) -> None:
    configuration = configured('test_vit')
    published('test_vit', tmp_path / 'model.safetensors', without='blocks.4.')
    body = random_model(configuration).encoder.backbone_with_fpn.body
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}

    with pytest.raises(
        AfformerError, match=r'the weights lack 4 tensors, such as network\.blocks\.4\.'
    ):
        load_timm_weights(body, configuration, tmp_path / 'model.safetensors')

    assert all(torch.equal(before[name], each) for name, each in body.state_dict().items())


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('damaged.safetensors', r'cannot be loaded from .*damaged\.safetensors'),
        ('weights.pth', r'expected a file \*\.safetensors'),
        ('missing.safetensors', r'expected a file \*\.safetensors'),
    ],
)
def test_other_files_are_refused(name: str, message: str, tmp_path: Path) -> None:
    configuration = configured('test_vit')
    for there in ('damaged.safetensors', 'weights.pth'):
        (tmp_path / there).write_bytes(b'no tensors')
    body = random_model(configuration).encoder.backbone_with_fpn.body

    with pytest.raises(AfformerError, match=message):
        load_timm_weights(body, configuration, tmp_path / name)


def test_a_hub_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(tmp_path))
    configuration = configured('test_vit')
    body = random_model(configuration).encoder.backbone_with_fpn.body

    with pytest.raises(AfformerError, match=r'cannot be loaded from the hub: .*give the file'):
        load_timm_weights(body, configuration)
