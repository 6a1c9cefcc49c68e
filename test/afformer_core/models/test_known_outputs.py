# SPDX-License-Identifier: Apache-2.0
"""Outputs of variants that compute differently in numbers, with weights made by a formula."""

from __future__ import annotations

import math

import pytest

from afformer_core.models import AfformerConfiguration
from afformer_core.models.afformer import Afformer

from .known_weights import known_images, waves
from .test_variants import VARIANTS

# Of the last heatmap every 20th row and 30th column, first eight; its deviation; the actions.
KNOWN = {
    'small': (
        [0.0382, 0.4029, 0.1103, -0.4008, 0.0055, -0.0589, 0.516, 0.5632],
        0.5536,
        [0.0961, 0.0867],
    ),
    'three levels': (
        [-0.8534, -1.2016, -0.9248, -0.7346, -1.2916, -0.6742, -0.8374, -1.2512],
        1.0806,
        [0.0961, 0.0866],
    ),
    'heatmap for each action': (
        [-0.466, 0.2519, -0.3965, 0.4637, -0.2452, 0.3088, -0.4885, 0.1158],
        0.3926,
        [0.1457, -0.0603],
    ),
    'growing video': (
        [-0.9768, -1.1473, -0.9668, -0.67, -1.3128, -0.6126, -0.8201, -1.2809],
        1.0781,
        [0.096, 0.0866],
    ),
    'separate encoder': (
        [0.0687, 0.3588, 0.0396, -0.4181, 0.0056, -0.0594, 0.5263, 0.5531],
        0.5547,
        [0.0961, 0.0866],
    ),
    'residual of the image': (
        [-1.1502, -1.2835, -0.9069, -1.1897, -1.2453, -0.8022, -1.1523, -1.1453],
        1.0802,
        [0.0961, 0.0866],
    ),
    'cross-attention alone': (
        [-0.4133, 1.4003, -0.2974, -0.4696, 1.3548, -0.1769, -0.4837, 1.3445],
        1.138,
        [0.0962, 0.0872],
    ),
    'deconvolution': (
        [0.8489, 1.4177, 0.873, 0.6137, 1.3393, 0.8188, 0.8466, 1.3784],
        1.2002,
        [0.1663, 0.0564],
    ),
    'lstm': (
        [0.8472, 1.4916, 0.8587, 0.7012, 1.2193, 0.7234, 0.9943, 1.4221],
        1.21,
        [0.1665, 0.0557],
    ),
    'attended_conv_lstm': (
        [0.8452, 1.501, 0.8587, 0.6496, 1.3898, 0.7359, 0.9943, 1.5116],
        1.2083,
        [0.1653, 0.0536],
    ),
    'image_only': (
        [0.7961, 1.3822, -0.3444, 0.913, 1.2969, -0.5314, 0.6508, 1.4649],
        1.1863,
        [0.1686, 0.0642],
    ),
}


def with_known_weights(configuration: AfformerConfiguration) -> Afformer:
    model = Afformer(configuration).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        wave = waves(parameter.shape, name)
        if parameter.ndim > 1:
            # Attention that is far from even.
            sharpness = 4.0 if name.startswith('decoder') else 1.0
            parameter.copy_(wave * sharpness * math.sqrt(2 / parameter[0].numel()))
        else:
            parameter.copy_(name.endswith('weight') + 0.1 * wave)
    return model


@pytest.mark.parametrize('variant', KNOWN)
def test_outputs_are_as_they_were(variant: str) -> None:
    model = with_known_weights(VARIANTS[variant])

    heatmaps, actions = model(known_images(1, 64, 96, 3), known_images(1, 4, 64, 96, 3))

    positions, deviation, scores = KNOWN[variant]
    assert heatmaps[0, -1, 5::20, 7::30].flatten().tolist()[:8] == pytest.approx(
        positions, abs=5e-4
    )
    assert float(heatmaps.std()) == pytest.approx(deviation, abs=5e-4)
    assert actions[0].tolist() == pytest.approx(scores, abs=5e-4)
