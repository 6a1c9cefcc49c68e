# SPDX-License-Identifier: Apache-2.0
"""Frozen batch norms: what torchvision's give, in the type of what goes in."""

import torch
from torchvision.ops import FrozenBatchNorm2d

from afformer_core.models import afformer_r50
from afformer_core.models.afformer import Afformer
from afformer_core.models.layers.numerics import FrozenNorm


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
