# SPDX-License-Identifier: Apache-2.0
"""Inputs of attention that PyTorch fuses; with others it silently writes all scores down."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from afformer_core.models import AfformerConfiguration, afformer_r50, afformer_small

from ..conftest import ACTIONS, random_model

# Keys of 52 and of 48 channels, 53 and 49 where there is padding.
SMALL = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=4)
R50 = afformer_r50(ACTIONS, (64, 64))
LENGTHS = torch.tensor([3, 2])

both_models = pytest.mark.parametrize('configuration', [SMALL, R50], ids=['small', 'r50'])
padded_or_not = pytest.mark.parametrize('lengths', [None, LENGTHS], ids=['whole', 'padded'])


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, ...]]:
    """Queries, keys and values of each call of PyTorch's attention."""
    calls: list[tuple[Tensor, ...]] = []
    attend = functional.scaled_dot_product_attention

    def spy(*tensors: Tensor, scale: float) -> Tensor:
        calls.append(tensors)
        return attend(*tensors, scale=scale)

    monkeypatch.setattr(functional, 'scaled_dot_product_attention', spy)
    return calls


def ground(
    configuration: AfformerConfiguration, lengths: Tensor | None, device: str, learns: bool
) -> Tensor:
    """Heatmaps of two images, each with a demonstration of at most three frames."""
    model = random_model(configuration).to(device).requires_grad_(learns)
    height, width = configuration.input_size
    frames = torch.zeros(2, 3, height, width, 3, dtype=torch.uint8, device=device)
    lengths = None if lengths is None else lengths.to(device)
    with torch.set_grad_enabled(learns):
        heatmaps: Tensor = model(frames[:, 0], frames, lengths)[0]
    return heatmaps


@both_models
@padded_or_not
@pytest.mark.parametrize('learns', [False, True], ids=['inference', 'training'])
def test_every_attention_is_one_that_pytorch_fuses(
    attended: list[tuple[Tensor, ...]],
    configuration: AfformerConfiguration,
    lengths: Tensor | None,
    learns: bool,
) -> None:
    ground(configuration, lengths, 'cpu', learns)

    # To the image itself and to the video.
    assert len(attended) == 2 * len(configuration.image_levels)
    for tensors in attended:
        assert [tensor.stride(-1) for tensor in tensors] == [1, 1, 1]
        (width,) = {tensor.shape[-1] for tensor in tensors}
        assert width % 8 == 0


def test_no_image_pays_for_a_copy_of_the_keys(attended: list[tuple[Tensor, ...]]) -> None:
    model = random_model(R50)
    with torch.no_grad():
        memory = model.memorize(torch.zeros(1, 3, R50.feature_channels, *R50.feature_size))
        model.ground(torch.zeros(1, *R50.input_size, 3, dtype=torch.uint8), memory)

    grounded = {keys.data_ptr() for _, keys, _ in attended}
    assert {keys.data_ptr() for keys in memory.keys} <= grounded


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no NVIDIA GPU is here')
@both_models
@padded_or_not
@pytest.mark.parametrize('precision', [torch.float32, torch.float16], ids=['fp32', 'fp16'])
def test_a_gpu_has_a_kernel_for_it(
    configuration: AfformerConfiguration, lengths: Tensor | None, precision: torch.dtype
) -> None:
    with (
        sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]),
        torch.autocast('cuda', precision, enabled=precision != torch.float32),
    ):
        heatmaps = ground(configuration, lengths, 'cuda', learns=True)

    heatmaps.float().square().sum().backward()
