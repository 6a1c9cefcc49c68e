# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.layers.attention import group_queries_by_video
from afformer_core.models.presets import afformer_small


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
