# SPDX-License-Identifier: Apache-2.0
import torch

from afformer_core.models.earlier_methods.conv_lstm import ConvLstm


def test_over_maps_of_one_pixel_it_is_an_lstm() -> None:
    torch.manual_seed(0)
    conv_lstm, lstm = ConvLstm(3, kernel_size=1), torch.nn.LSTM(3, 3, batch_first=True)
    lstm.load_state_dict(
        {
            'weight_ih_l0': conv_lstm.input.weight[:, :, 0, 0],
            'weight_hh_l0': conv_lstm.recurrent.weight[:, :, 0, 0],
            'bias_ih_l0': conv_lstm.input.bias,
            'bias_hh_l0': torch.zeros(12),
        }
    )
    video = torch.randn(2, 5, 3)

    states = conv_lstm(video[..., None, None])

    torch.testing.assert_close(states[..., 0, 0], lstm(video)[0])


def test_a_state_spreads_by_a_pixel_with_each_frame() -> None:
    torch.manual_seed(0)
    conv_lstm = ConvLstm(2, kernel_size=3)
    dark = torch.zeros(1, 3, 2, 1, 7)
    lit = dark.clone()
    lit[0, 0, :, 0, 0] = 1

    changed = (conv_lstm(lit) - conv_lstm(dark)).abs().amax(dim=(0, 2, 3)) > 0

    assert changed.sum(dim=1).tolist() == [2, 3, 4]


def test_frames_that_only_pad_leave_the_state_as_it_is() -> None:
    torch.manual_seed(0)
    conv_lstm = ConvLstm(2, kernel_size=3)
    video = torch.randn(1, 4, 2, 3, 3)

    padded = conv_lstm(video, torch.tensor([[True, True, False, False]]))

    torch.testing.assert_close(padded[:, 3], conv_lstm(video[:, :2])[:, 1])


def test_at_first_it_forgets_little() -> None:
    conv_lstm = ConvLstm(2, kernel_size=1)

    assert conv_lstm.input.bias is not None
    assert conv_lstm.input.bias[2:4].tolist() == [1, 1]
