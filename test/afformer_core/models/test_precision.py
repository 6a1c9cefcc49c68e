# SPDX-License-Identifier: Apache-2.0
"""Half precision where it is safe, and only there."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from afformer_core.models import afformer_r50, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.fuse_batch_norm import fold_batch_norms
from afformer_core.models.precision import InFloat32, convert_precision
from afformer_core.models.presets import afformer_matching

ACTIONS = ('press', 'pull')

architectures = pytest.mark.parametrize('architecture', [afformer_small, afformer_matching])


def prepared(
    precision: str, architecture: Callable[..., AfformerConfiguration] = afformer_small
) -> Afformer:
    torch.manual_seed(0)
    model = Afformer(architecture(ACTIONS, (64, 64))).eval().requires_grad_(False)
    fold_batch_norms(model.encoder)
    model.freeze_tables()
    convert_precision(model, precision)
    return model


@architectures
@pytest.mark.parametrize(
    ('precision', 'dtype'), [('fp16', torch.float16), ('bf16', torch.bfloat16)]
)
def test_norms_and_heads_stay_in_fp32(
    precision: str, dtype: torch.dtype, architecture: Callable[..., AfformerConfiguration]
) -> None:
    model = prepared(precision, architecture)

    for name, parameter in model.named_parameters():
        within = [model.get_submodule(name.rsplit('.', n)[0]) for n in range(1, name.count('.'))]
        wide = name.startswith(('predictor', 'decoder.contact', 'decoder.matcher'))
        wide |= any(isinstance(one, InFloat32) for one in within)
        assert parameter.dtype == (torch.float32 if wide else dtype), name
    norms = [one for one in model.modules() if isinstance(one, nn.LayerNorm | nn.GroupNorm)]
    assert len(norms) > 4
    assert {one.weight.dtype for one in norms} == {torch.float32}


@architectures
@pytest.mark.parametrize(('precision', 'tolerance'), [('fp16', 0.02), ('bf16', 0.15)])
@torch.inference_mode()
def test_the_outputs_are_close_and_in_fp32(
    precision: str, tolerance: float, architecture: Callable[..., AfformerConfiguration]
) -> None:
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    results = []
    for model in (prepared('fp32', architecture), prepared(precision, architecture)):
        features = model.encode_frames(images)
        outputs = model.ground_with_features(images, model.memorize(features[None]))
        results.append((features, *outputs))

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
