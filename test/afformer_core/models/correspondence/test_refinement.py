# SPDX-License-Identifier: Apache-2.0
"""The refinement: its grid, and what it reads."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.correspondence.refinement import Refinement


def refine(**changed: Tensor) -> Tensor:
    torch.manual_seed(0)
    refinement = Refinement(channels=96, fine=40).eval()
    inputs = {
        'decoded': torch.randn(2, 96, 4, 6),
        'fine': torch.randn(2, 40, 8, 12),
        'correlation': torch.randn(2, 1, 8, 12),
    }
    with torch.no_grad():
        return refinement(**{**inputs, **changed})


def test_each_position_of_stride_8_gets_four_logits() -> None:
    assert refine().shape == (2, 1, 16, 24)


def test_training_begins_with_small_corrections() -> None:
    assert refine().std() < 0.01


@pytest.mark.parametrize(
    ('name', 'shape'),
    [('decoded', (2, 96, 4, 6)), ('fine', (2, 40, 8, 12)), ('correlation', (2, 1, 8, 12))],
)
def test_every_input_counts(name: str, shape: tuple[int, ...]) -> None:
    assert not torch.allclose(refine(**{name: torch.zeros(shape)}), refine(), atol=1e-5)


def test_a_correction_moves_probability_within_a_neighbourhood_alone() -> None:
    torch.manual_seed(0)
    refinement = Refinement(channels=96, fine=40).eval()
    torch.nn.init.normal_(refinement.logits.weight)
    with torch.no_grad():
        corrections = refinement(
            torch.randn(1, 96, 24, 24), torch.randn(1, 40, 48, 48), torch.zeros(1, 1, 48, 48)
        )

    halves = corrections.exp().mean(dim=2).unflatten(2, (2, 48)).mean(dim=3).flatten()
    assert float(corrections.std()) > 0.5
    assert halves.tolist() == pytest.approx([1.0, 1.0], abs=0.2)
