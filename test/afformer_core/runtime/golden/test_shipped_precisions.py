# SPDX-License-Identifier: Apache-2.0
"""The shipped model, both networks, passes the self-test in every precision that is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.runtime.golden.golden_outputs import golden_outputs
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    read_description,
    read_matching,
)
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import (
    TOLERANCES,
    Differences,
    GoldenOutputs,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.sessions.torch_session import (
    TorchMatchingSession,
    TorchSession,
    prepared_matching_network,
    prepared_model,
)

Break = Callable[[Any], None]


@pytest.fixture(scope='module')
def golden(shipped_model: Path) -> GoldenOutputs:
    return golden_outputs(shipped_model)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def differences(
    folder: Path, golden: GoldenOutputs, precision: str, change: dict[str, Break] | None = None
) -> Differences:
    """Test both networks in a precision, of which some were changed, by the name of the folder."""
    description = read_description(folder)
    beside = read_matching(folder, description)
    assert beside is not None
    assert description.matching is not None
    model = prepared_model(folder, precision)
    network = prepared_matching_network(folder / MATCHING_FOLDER, precision)
    with torch.no_grad():
        for name, changed in (('', model), (MATCHING_FOLDER, network)):
            (change or {}).get(name, lambda network: None)(changed)
    matching = Matching(TorchMatchingSession(network), beside.configuration, description.matching)
    networks = Networks(description.configuration, TorchSession(model), matching)
    return self_test(networks, golden, TOLERANCES[precision], description)


# PyTorch has no fast convolutions in fp16 for CPUs.
IN_FP16 = pytest.param('fp16', marks=[pytest.mark.slow, pytest.mark.timeout(900)])


@pytest.mark.parametrize('precision', ['bf16', IN_FP16])
def test_both_networks(shipped_model: Path, golden: GoldenOutputs, precision: str) -> None:
    found = differences(shipped_model, golden, precision)

    # It computes otherwise than in fp32, and noticeably so.
    assert found.heatmap > 1e-4


def off_by_3_percent(model: nn.Module) -> None:
    torch.manual_seed(3)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.mul_(1 + 0.03 * torch.randn(weight.shape).to(weight.dtype))


def no_mean(model: Afformer | MatchingNetwork) -> None:
    model.encoder.mean.zero_()


def transposed(model: Afformer) -> None:
    weight = dict(model.named_parameters())['decoder.self2d_cross3d_block.cross_attn.proj.weight']
    weight.copy_(weight.T.clone())


@pytest.mark.slow
@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize(
    ('network', 'change'),
    [
        ('', off_by_3_percent),
        ('', no_mean),
        ('', transposed),
        (MATCHING_FOLDER, off_by_3_percent),
        (MATCHING_FOLDER, no_mean),
    ],
)
def test_networks_that_are_broken(
    shipped_model: Path, golden: GoldenOutputs, precision: str, network: str, change: Break
) -> None:
    with pytest.raises(SelfTestError, match='does not reproduce the golden outputs'):
        differences(shipped_model, golden, precision, {network: change})
