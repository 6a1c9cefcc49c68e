# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace

import pytest
import torch

from afformer_core.models import afformer_r50, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.benchmarks.published_baseline import PublishedBaseline

R50 = afformer_r50(('press', 'hold', 'push'), (64, 64))
SMALL = afformer_small(('press', 'pull'), (64, 96))
SQUARES = replace(SMALL, spatial_strides=(1, 2))


@pytest.mark.parametrize(
    ('configuration', 'frames'),
    [(R50, 5), (SMALL, 1), (SMALL, 8), (SQUARES, 3)],
    ids=['r50', 'one', 'small', 'squares'],
)
def test_equals_the_model_that_caches_and_has_no_bias(configuration, frames):
    rng = torch.manual_seed(0)
    model = Afformer(configuration).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if 'rel_pos' in name or 'level_embeds' in name:
            parameter.normal_(std=0.5, generator=rng)
    height, width = configuration.input_size
    image = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8)
    video = torch.randint(0, 256, (frames, height, width, 3), dtype=torch.uint8)

    heatmaps, actions = PublishedBaseline(model)(image, video)
    expected_heatmaps, expected_actions = model(image[None], video[None])

    found, expected = (x.flatten(1).softmax(1) for x in (heatmaps, expected_heatmaps[0]))
    assert ((found - expected).abs().amax(1) / expected.amax(1)).max() < 1e-4
    torch.testing.assert_close(actions, expected_actions[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('video_levels', ('p4', 'p3')),
        ('temporal_strides', (1, 1)),
        ('video_encoder', 'separate'),
        ('video_projection', 'separate'),
        ('decoder_blocks', 'per_step'),
        ('residual', 'image'),
    ],
)
def test_has_no_reference_of_variants(field, value):
    model = Afformer(replace(SMALL, **{field: value}))

    with pytest.raises(ValueError, match=re.escape(f'{field} is {value!r}; the reference')):
        PublishedBaseline(model)


def test_has_no_reference_of_other_decoders():
    coarse = replace(SMALL, image_levels=('p4',), temporal_strides=(1,), action_pooling='mean')
    model = Afformer(replace(coarse, decoder='deconvolution'))

    with pytest.raises(
        ValueError, match="decoder is 'deconvolution'; the reference needs 'fine_grained'"
    ):
        PublishedBaseline(model)
