# SPDX-License-Identifier: Apache-2.0
"""Stored weights: their types, and what eight bits lose."""

import torch

from afformer_core.models.stored_weights import restored, stored


def test_large_weights_lose_at_most_half_a_step_of_their_row_in_eight_bits() -> None:
    rng = torch.Generator().manual_seed(0)
    weight = (
        torch.randn((64, 16, 3, 3), generator=rng) * torch.logspace(-3, 3, 64)[:, None, None, None]
    )
    weight[5] = 0.0

    tensors = stored({'weight': weight}, torch.int8)
    found = restored(tensors)['weight']

    assert tensors['weight'].dtype == torch.int8
    steps = weight.flatten(1).abs().amax(dim=1) / 127
    assert bool(((found - weight).flatten(1).abs().amax(dim=1) <= 0.501 * steps).all())


def test_small_weights_and_counts_stay_as_they_are() -> None:
    weights = {'norm.weight': torch.tensor([0.5, -2.0]), 'count': torch.tensor(7)}

    tensors = stored(weights, torch.int8)

    assert tensors.keys() == weights.keys()
    assert tensors['norm.weight'].dtype == torch.float16
    assert torch.equal(restored(tensors)['norm.weight'].float(), weights['norm.weight'])
    assert tensors['count'].dtype == torch.int64


def test_a_weight_whose_name_ends_like_a_scale_is_one() -> None:
    weights = {'attention.scale': torch.tensor([3.0])}

    assert restored(stored(weights, torch.float32)).keys() == weights.keys()
