# SPDX-License-Identifier: Apache-2.0
"""Where the heads read the action."""

import torch
from torch import Tensor, nn

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.decoders.predictor import FocusedPredictor, Predictor


class FixedHeatmap(nn.Module):
    """Points at the position of row 1, column 2 of a 4x4 grid, at four times its size."""

    def forward(self, decoded: Tensor) -> Tensor:
        logits = torch.full((len(decoded), 1, 16, 16), -50.0)
        logits[:, :, 5, 9] = 50.0
        return logits


def actions(predictor: Predictor, decoded: Tensor) -> Tensor:
    predictor.upsampler = FixedHeatmap()
    with torch.no_grad():
        return predictor(decoded, (16, 16), VideoMemory((), (), (), ()))[1]


def test_focused_actions_are_read_where_the_heatmap_points() -> None:
    torch.manual_seed(0)
    predictor = FocusedPredictor(8, 1, 3)
    decoded = torch.randn(1, 8, 4, 4)
    elsewhere, there = decoded.clone(), decoded.clone()
    elsewhere[:, :, 3, 0] += 1
    there[:, :, 1, 2] += torch.arange(8)

    assert torch.allclose(actions(predictor, elsewhere), actions(predictor, decoded))
    assert not torch.allclose(actions(predictor, there), actions(predictor, decoded))


def test_mean_and_focused_agree_on_even_features() -> None:
    torch.manual_seed(0)
    mean, focused = Predictor(8, 1, 3), FocusedPredictor(8, 1, 3)
    focused.load_state_dict(mean.state_dict())
    decoded = torch.randn(1, 8, 1, 1).expand(1, 8, 4, 4)

    torch.testing.assert_close(actions(focused, decoded), actions(mean, decoded))
