# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import Tensor

from afformer_core.models.earlier_methods.demonstration_encoders import (
    AttendedConvLstmEncoder,
    ConvLstmEncoder,
    DemonstrationEncoder,
    LstmEncoder,
)

encoders = pytest.mark.parametrize(
    'encoder', [LstmEncoder, ConvLstmEncoder, AttendedConvLstmEncoder]
)


@pytest.fixture
def video() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(1, 4, 8, 3, 5)


@encoders
def test_the_order_of_frames_matters(encoder: type[DemonstrationEncoder], video: Tensor) -> None:
    embed = encoder(8)

    # The first frame stays, so that more than that one is read.
    backwards = video[:, [0, 3, 2, 1]]
    assert (embed(video) - embed(backwards)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ('encoder', 'sees'),
    [(LstmEncoder, False), (ConvLstmEncoder, True), (AttendedConvLstmEncoder, True)],
)
def test_what_stands_beside_what(
    encoder: type[DemonstrationEncoder], sees: bool, video: Tensor
) -> None:
    embed = encoder(8)

    assert ((embed(video) - embed(video.flip(4))).abs().max() > 1e-4) == sees


def test_weights_are_shared_among_the_frames_that_exist() -> None:
    torch.manual_seed(0)
    encoder = AttendedConvLstmEncoder(8)
    existing = torch.tensor([[True, True, True, True], [True, True, False, False]])

    weights = encoder.frame_weights(3 * torch.randn(2, 4, 8), existing)

    assert weights.sum(dim=1).tolist() == pytest.approx([1, 1])
    assert weights[1, 2:].tolist() == [0, 0]
    assert weights[0].unique().numel() == 4


def test_the_embedding_is_the_state_that_attention_chooses(video: Tensor) -> None:
    encoder = AttendedConvLstmEncoder(8)
    states = encoder.conv_lstm(encoder.norm_frames(video[0])[None]).mean(dim=(3, 4))
    # So large a score that the other frames have no share.
    last = encoder.attention[-1]
    assert isinstance(last, torch.nn.Linear)
    last.weight.data.mul_(1e6)

    chosen = int(encoder.attention(states)[0, :, 0].argmax())

    torch.testing.assert_close(encoder(video), states[:, chosen])
