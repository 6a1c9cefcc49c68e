# SPDX-License-Identifier: Apache-2.0
"""Augmented attention against the same attention with its bias written out."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.decoders.decoder import means_of_squares
from afformer_core.models.layers import attention as attention_module
from afformer_core.models.layers.attention import CrossAttention3d
from afformer_core.models.layers.relative_position import relative_table, temporal_table
from afformer_core.models.layers.softmax_attention import attend


def test_offsets_count_in_positions_of_the_finer_side() -> None:
    embeddings = torch.arange(7.0)[:, None]

    assert relative_table(embeddings, 2, 4)[:, :, 0].tolist() == [[3, 2, 1, 0], [5, 4, 3, 2]]
    assert relative_table(embeddings, 4, 2)[:, :, 0].tolist() == [[2, 0], [3, 1], [4, 2], [5, 3]]


def test_the_newest_frame_comes_first_in_time() -> None:
    embeddings = torch.arange(7.0)[:, None]

    assert temporal_table(embeddings, 3)[:, 0].tolist() == [2, 1, 0]


def test_scores_of_a_square_are_the_mean_of_those_of_its_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    attention = CrossAttention3d(32, 2, (8, 8), 6).double()
    for embeddings in (attention.rel_pos_h, attention.rel_pos_w, attention.rel_pos_t):
        torch.nn.init.normal_(embeddings)
    scores: list[Tensor] = []

    def watched(queries: Tensor, keys: Tensor, values: Tensor, padding: None) -> Tensor:
        scores.append(queries @ keys.transpose(2, 3))
        return attend(queries, keys, values, padding)

    monkeypatch.setattr(attention_module, 'attend', watched)
    x = torch.randn(1, 8, 32, dtype=torch.double)
    video = torch.randn(1, 3, 4, 6, 32, dtype=torch.double)

    with torch.no_grad():
        attention(x, (4, 2), *attention.memorize(video, None), (4, 6), None)
        squares = means_of_squares(video, 2)
        attention(x, (4, 2), *attention.memorize(squares, None), (2, 3), None, stride=2)

    every, mean = (found.unflatten(3, (3, *size)) for found, size in
                   zip(scores, ((4, 6), (2, 3)), strict=True))  # fmt: skip
    expected = every.unflatten(5, (3, 2)).unflatten(4, (2, 2)).mean(dim=(5, 7))
    torch.testing.assert_close(mean, expected, atol=1e-12, rtol=0)
