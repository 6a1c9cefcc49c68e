# SPDX-License-Identifier: Apache-2.0
"""Losses of heatmaps and actions, by values that can be worked out by hand."""

import math
from typing import Any

import pytest
import torch

from afformer_core.offline.training.losses import (
    GroundingLoss,
    Targets,
    heatmap_divergence,
    local_divergence,
)

UNIFORM = torch.full((1, 2, 2), 0.25)
CORNER = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])


def targets(
    heatmaps: torch.Tensor, actions: list[int], images: list[int], shown: tuple[bool, ...] = ()
) -> Targets:
    return Targets(
        heatmaps,
        torch.tensor(actions),
        torch.tensor(images),
        torch.tensor(shown or [True] * len(actions)),
        not all(shown),
    )


def test_divergence_of_the_uniform_map() -> None:
    logits = torch.zeros(2, 2, 2)
    found = heatmap_divergence(logits, torch.cat((UNIFORM, CORNER)))

    assert found.tolist() == pytest.approx([0.0, math.log(4)])


def test_local_divergence_of_a_level_map() -> None:
    target = torch.tensor([[[0.6, 0.4], [0.0, 0.0]]])
    first = 0.6**4 / (0.6**4 + 0.4**4)
    expected = math.log(2) + first * math.log(first) + (1 - first) * math.log(1 - first)

    assert float(local_divergence(torch.zeros(1, 2, 2), target)) == pytest.approx(expected)


def test_local_divergence_does_not_see_another_peak() -> None:
    target = torch.tensor([[[0.6, 0.4, 0.0, 0.0]]])
    there = torch.tensor([[[0.6, 0.4, 1e-9, 1e-9]]]).log()
    in_doubt = there + torch.tensor([[[0.0, 0.0, 0.0, 30.0]]])

    found = local_divergence(torch.cat((there, in_doubt)), torch.cat((target, target)))
    assert found.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_local_divergence_of_a_map_without_the_element_counts_for_nothing() -> None:
    _, parts = GroundingLoss('none', precision_weight=0.5)(
        torch.tensor([[[[3.0, 0.0], [0.0, 0.0]]]]),
        torch.zeros(1, 0),
        targets(UNIFORM, [0], [0], (False,)),
    )

    assert float(parts['local_kld']) == 0
    shown = targets(torch.tensor([[[0.6, 0.4]]]), [0], [0])
    loss, parts = GroundingLoss('none', precision_weight=0.5)(
        torch.zeros(1, 1, 1, 2), torch.zeros(1, 0), shown
    )
    assert float(loss) == pytest.approx(float(parts['kld'] + 0.5 * parts['local_kld']))


def test_the_papers_loss() -> None:
    loss, parts = GroundingLoss('cross_entropy', 0.5)(
        torch.zeros(1, 1, 2, 2), torch.zeros(1, 3), targets(CORNER, [2], [0])
    )

    assert float(parts['kld']) == pytest.approx(math.log(4))
    assert float(parts['action_loss']) == pytest.approx(math.log(3))
    assert float(loss) == pytest.approx(math.log(4) + 0.5 * math.log(3))


def test_a_heatmap_is_sharpened_before_it_is_brought_to_a_lower_resolution() -> None:
    # Squared, 144 + 36 and 16 + 4.
    logits = torch.tensor([[[[12.0, 6, 4, 2]]]]).log()
    target = torch.tensor([[[1.0, 0, 0, 0]]])
    _, parts = GroundingLoss('none', sharpening=2, heatmap_size=(1, 2))(
        logits, torch.zeros(1, 0), targets(target, [0], [0])
    )
    assert float(parts['kld']) == pytest.approx(math.log(200 / 180))


def test_the_released_codes_loss() -> None:
    logits = torch.tensor([[2.0, -1.0]])
    expected = -(math.log(1 / (1 + math.exp(-2.0))) + math.log(1 - 1 / (1 + math.exp(1.0)))) / 2
    _, parts = GroundingLoss('multi_label')(
        torch.zeros(1, 2, 2, 2), logits, targets(CORNER, [0], [0])
    )

    assert float(parts['action_loss']) == pytest.approx(expected)


def test_scores_are_of_equally_frequent_actions() -> None:
    loss = GroundingLoss(action_frequencies=(300, 100))
    expected = targets(UNIFORM, [1], [0])

    _, level = loss(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2), expected)
    _, sure = loss(torch.zeros(1, 1, 2, 2), torch.tensor([[0.0, math.log(3)]]), expected)
    assert float(level['action_loss']) == pytest.approx(math.log(4))
    assert float(sure['action_loss']) == pytest.approx(math.log(2))
    with pytest.raises(ValueError, match='action_frequencies is 2; expected 3'):
        loss(torch.zeros(1, 1, 2, 2), torch.zeros(1, 3), expected)


def test_sharpened_logits_are_measured() -> None:
    logits = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    loss, _ = GroundingLoss('none', sharpening=2.0)(
        logits, torch.zeros(1, 0), targets(CORNER, [0], [0])
    )

    assert float(loss) == pytest.approx(math.log(1 + 3 * math.exp(-2)))


def test_of_a_heatmap_for_each_action_the_rows_is_measured() -> None:
    heatmaps = torch.zeros(1, 2, 2, 2)
    heatmaps[0, 1, 0, 0] = 50.0
    loss = GroundingLoss('none')
    right, _ = loss(heatmaps, torch.zeros(1, 2), targets(CORNER, [1], [0]))
    wrong, _ = loss(heatmaps, torch.zeros(1, 2), targets(CORNER, [0], [0]))

    assert float(right) == pytest.approx(0, abs=1e-6)
    assert float(wrong) == pytest.approx(math.log(4))


def test_an_image_with_two_actions_counts_once() -> None:
    """Else two processes that share a batch would not give what one gives."""
    heatmaps = torch.zeros(2, 1, 2, 2)
    rows = targets(torch.cat((CORNER, UNIFORM, CORNER)), [0, 1, 0], [0, 0, 1])
    loss, _ = GroundingLoss('none')(heatmaps, torch.zeros(2, 2), rows)

    assert float(loss) == pytest.approx((math.log(4) / 2 + math.log(4)) / 2)


def test_actions_that_cost_nothing_get_no_gradient() -> None:
    actions = torch.zeros(1, 2, requires_grad=True)
    loss, parts = GroundingLoss('none')(
        torch.zeros(1, 1, 2, 2, requires_grad=True), actions, targets(CORNER, [0], [0])
    )
    loss.backward()

    assert list(parts) == ['kld']
    assert actions.grad is None


@pytest.mark.parametrize('kind', ['cross_entropy', 'multi_label'])
def test_where_the_element_is_not_in_view_the_heatmap_should_be_uniform(kind: str) -> None:
    """The second image shows another object; its action costs nothing."""
    heatmaps, actions = torch.zeros(2, 1, 2, 2), torch.zeros(2, 3)
    heatmaps[1, 0, 0, 0] = math.log(5)
    rows = targets(torch.cat((CORNER, UNIFORM)), [2, 2], [0, 1], (True, False))
    actions.requires_grad_(True)
    loss, parts = GroundingLoss(kind, 0.5, 0.25)(heatmaps, actions, rows)
    loss.backward()
    alone, _ = GroundingLoss(kind, 0.5)(heatmaps[:1], actions[:1], targets(CORNER, [2], [0]))
    # Of 5/8 and three times 1/8.
    negative = (math.log(2 / 5) + 3 * math.log(2)) / 4

    assert float(parts['kld']) == pytest.approx(math.log(4))
    assert float(parts['negative_kld']) == pytest.approx(negative)
    assert float(loss) == pytest.approx(float(alone) + 0.25 * negative)
    assert actions.grad is not None
    assert (actions.grad.abs().sum(dim=1) > 0).tolist() == [True, False]


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'actions': 'focal'}, 'focal'),
        ({'action_weight': -1.0}, 'action_weight is -1.0; expected at least 0'),
        ({'sharpening': 0}, 'sharpening is 0; expected above 0'),
        ({'heatmap_size': (28, 0)}, r'heatmap_size is \(28, 0\)'),
        (
            {'actions': 'none', 'action_frequencies': (1, 1)},
            "actions is 'none'; expected cross_entropy",
        ),
        ({'action_frequencies': (1, 0)}, 'expected numbers above 0'),
        ({'action_frequencies': (1, math.nan)}, 'expected numbers above 0'),
    ],
)
def test_values_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroundingLoss(**fields)
