# SPDX-License-Identifier: Apache-2.0
"""Half precision where it is safe, frozen batch norms in it, and weights as they are stored."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from afformer_core.models import afformer_r50, afformer_small, small_matching
from afformer_core.models.afformer import Afformer
from afformer_core.models.fuse_batch_norm import fold_batch_norms
from afformer_core.models.layers.numerics import FrozenNorm
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.precision import InFloat32, convert_precision
from afformer_core.models.stored_weights import restored, stored

ACTIONS = ('press', 'pull')

networks = pytest.mark.parametrize('network', ['decoder', 'matching'])


def prepared(precision: str, network: str = 'decoder') -> Afformer | MatchingNetwork:
    torch.manual_seed(0)
    model = (
        Afformer(afformer_small(ACTIONS, (64, 64)))
        if network == 'decoder'
        else MatchingNetwork(small_matching((64, 64)))
    )
    model.eval().requires_grad_(False)
    fold_batch_norms(model.encoder)
    model.freeze_tables()
    convert_precision(model, precision)
    return model


def outputs(model: Afformer | MatchingNetwork, images: torch.Tensor) -> list[torch.Tensor]:
    if isinstance(model, MatchingNetwork):
        stages = model.encode(images)
        return [*stages, model.map_contact([stage[None] for stage in stages])]
    features = model.encode_frames(images)
    levels, of_image = model.encode_images(images[:1])
    return [features, of_image, *model.ground_levels(levels, model.memorize(features[None]))]


@networks
@pytest.mark.parametrize(
    ('precision', 'dtype'), [('fp16', torch.float16), ('bf16', torch.bfloat16)]
)
def test_norms_and_heads_stay_in_fp32(precision: str, dtype: torch.dtype, network: str) -> None:
    model = prepared(precision, network)

    for name, parameter in model.named_parameters():
        within = [model.get_submodule(name.rsplit('.', n)[0]) for n in range(1, name.count('.'))]
        wide = name.startswith(('predictor', 'contact'))
        wide |= any(isinstance(one, InFloat32) for one in within)
        assert parameter.dtype == (torch.float32 if wide else dtype), name
    norms = [one for one in model.modules() if isinstance(one, nn.LayerNorm | nn.GroupNorm)]
    assert len(norms) > 4
    assert {one.weight.dtype for one in norms} == {torch.float32}


@networks
@pytest.mark.parametrize(('precision', 'tolerance'), [('fp16', 0.02), ('bf16', 0.15)])
@torch.inference_mode()
def test_the_outputs_are_close_and_in_fp32(precision: str, tolerance: float, network: str) -> None:
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    results = [outputs(prepared(each, network), images) for each in ('fp32', precision)]

    for expected, found in zip(*results, strict=True):
        assert found.dtype == torch.float32
        largest = max([1.0, *expected.abs().flatten().tolist()])
        torch.testing.assert_close(found, expected, atol=tolerance * largest, rtol=0)


def test_a_layer_whose_sum_of_squares_leaves_fp16() -> None:
    norm = InFloat32(nn.LayerNorm(64))
    x = 300 * torch.randn(2, 64)

    found = norm(x.half())

    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float(), norm(x), atol=0.01, rtol=0.01)


def test_fp32_leaves_the_model_as_it_is() -> None:
    assert not any(isinstance(one, InFloat32) for one in prepared('fp32').modules())


def test_more_keys_than_fp16_attention_holds() -> None:
    configuration = replace(afformer_r50(ACTIONS, (256, 256)), maximum_frames=64)
    model = Afformer(configuration)

    with pytest.raises(ValueError, match=r'attends to 65536 keys .* at most 65504'):
        convert_precision(model, 'fp16')
    convert_precision(model, 'bf16')


def test_another_precision() -> None:
    with pytest.raises(ValueError, match='expected one of fp32, fp16, bf16'):
        prepared('int4')


def norms() -> tuple[FrozenNorm, FrozenBatchNorm2d]:
    """Of the same four channels."""
    ours, theirs = FrozenNorm(4), FrozenBatchNorm2d(4)
    state = {
        'weight': torch.tensor([0.5, 1.0, 2.0, -1.0]),
        'bias': torch.tensor([0.0, 1.0, -1.0, 0.5]),
        'running_mean': torch.tensor([0.0, 0.3, -2.0, 5.0]),
        'running_var': torch.tensor([1.0, 0.1, 4.0, 9.0]),
    }
    for norm in (ours, theirs):
        norm.load_state_dict(state)
    return ours, theirs


def test_fp32_is_that_of_torchvision() -> None:
    ours, theirs = norms()
    x = torch.randn(2, 4, 3, 3)
    assert torch.equal(ours(x), theirs(x))


def test_half_precision_stays_half() -> None:
    ours, theirs = norms()
    x = torch.randn(2, 4, 3, 3)
    for precision, share in ((torch.bfloat16, 2**-6), (torch.float16, 2**-9)):
        found = ours(x.to(precision))
        assert found.dtype == precision
        torch.testing.assert_close(found.float(), theirs(x), atol=4 * share, rtol=share)


def test_nothing_of_a_resnet_leaves_half_precision_in_training() -> None:
    model = Afformer(afformer_r50(('press',), (64, 64)))
    body = model.encoder.backbone_with_fpn.body
    types: set[torch.dtype] = set()
    for module in body.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.register_forward_hook(lambda _, given, found: types.add(found.dtype))
    with torch.autocast('cpu', torch.bfloat16):
        body(torch.randn(1, 3, 64, 64))

    assert types == {torch.bfloat16}


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
