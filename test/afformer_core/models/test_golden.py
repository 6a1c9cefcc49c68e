# SPDX-License-Identifier: Apache-2.0
"""Every golden file: reference outputs of decoder and heads, reproduced from their inputs."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from afformer_core.models import afformer_r50
from afformer_core.models.decoders.decoder import FineGrainedDecoder
from afformer_core.models.decoders.predictor import Predictor

TOLERANCE = 3e-4


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def test_reproduces_reference_outputs(test_data: Path, subtests: pytest.Subtests) -> None:
    paths = sorted((test_data / 'golden').glob('*.safetensors'))
    assert paths
    for path in paths:
        with subtests.test(path.name):
            check(path)


def check(path: Path) -> None:
    golden = {name: tensor.float() for name, tensor in load_file(path).items()}
    levels = [golden[f'input.image.{name}'] for name in ('p4', 'p3', 'p2')]
    channels = levels[0].shape[1]
    finest = tuple(levels[-1].shape[-2:])
    maximum_frames = (
        len(golden['weights.decoder.self2d_cross3d_block.cross_attn.rel_pos_t']) + 1
    ) // 2
    configuration = replace(
        afformer_r50(('press',), (4 * finest[0], 4 * finest[1])),
        channels=channels,
        maximum_frames=maximum_frames,
    )
    decoder = FineGrainedDecoder(configuration)
    decoder.load_state_dict(part(golden, 'weights.decoder.'))
    expected = golden['output.heatmap_logits']
    predictor = Predictor(channels, expected.shape[1], golden['output.action_logits'].shape[1])
    predictor.load_state_dict(part(golden, 'weights.predictor.'))

    with torch.no_grad():
        memory = decoder.memorize(golden['input.video.p3'][None])
        heatmaps, actions = predictor(decoder(levels, memory), tuple(expected.shape[-2:]), memory)

    assert (heatmaps - expected).abs().max() < TOLERANCE
    assert (actions - golden['output.action_logits']).abs().max() < TOLERANCE
