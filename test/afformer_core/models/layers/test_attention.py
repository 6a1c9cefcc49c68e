# SPDX-License-Identifier: Apache-2.0
"""Augmented attention against the same attention with its bias written out."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.decoder import means_of_squares
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.layers import attention as attention_module
from afformer_core.models.layers.attention import CrossAttention3d, attend, group_queries_by_video
from afformer_core.models.layers.relative_position import relative_table, temporal_table
from afformer_core.models.presets import afformer_small


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


def test_images_of_a_video_stand_in_a_row() -> None:
    queries = torch.arange(4 * 2 * 3).view(4, 2, 3, 1)
    together = group_queries_by_video(queries, 2)
    assert together.shape == (2, 2, 6, 1)
    assert together[1, 0, :, 0].tolist() == [12, 13, 14, 18, 19, 20]


@pytest.mark.parametrize('lengths', [None, torch.tensor([3, 8])])
@pytest.mark.parametrize('learns', [False, True])
def test_images_that_share_a_video_are_grounded_as_each_alone(
    lengths: torch.Tensor | None, learns: bool
) -> None:
    torch.manual_seed(0)
    model = Afformer(afformer_small(('push', 'pull'), (64, 64))).eval()
    features = torch.randn(2, 8, 96, 8, 8)
    images = torch.randint(0, 256, (6, 64, 64, 3), dtype=torch.uint8)
    with torch.set_grad_enabled(learns):
        memory = model.memorize(features, lengths)
        together = model.ground(images, memory)
        apart = [model.ground(images[[index]], _alone(memory, index // 3)) for index in range(6)]
    for found, expected in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(found, torch.cat(expected), atol=1e-4, rtol=1e-4)


def _alone(memory: VideoMemory, video: int) -> VideoMemory:
    one = slice(video, video + 1)
    return VideoMemory(
        tuple(keys[one] for keys in memory.keys),
        tuple(values[one] for values in memory.values),
        tuple(None if padding is None else padding[one] for padding in memory.paddings),
        memory.sizes,
    )


# Padding of two videos: two keys of five do not exist in the second.
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
# More than are attended at a time, of both.
QUERIES, HEADS = 300, 3


def inputs(dtype: torch.dtype = torch.double) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shapes = ((2, HEADS, QUERIES, 6), (2, HEADS, 5, 6), (2, HEADS, 5, 4))
    return tuple(
        torch.randn(shape, generator=rng, dtype=torch.double).to(dtype).requires_grad_()
        for shape in shapes
    )


def plain(queries: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None) -> Tensor:
    scores = queries @ keys.mT
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], -1e4)
    return scores.softmax(dim=-1) @ values


@pytest.mark.parametrize('graph', [False, True])
@pytest.mark.parametrize('padding', [None, PADDING], ids=['whole', 'padded'])
def test_equals_plain_attention_with_its_gradients(
    padding: Tensor | None, graph: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    monkeypatch.setattr(torch.compiler, 'is_compiling', lambda: graph)
    for function in (attend, plain):
        tensors = inputs(torch.float32)
        attended = function(*tensors, padding)
        (attended * torch.arange(4.0)).sin().sum().backward()
        results.append((attended, *(tensor.grad for tensor in tensors)))

    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
