# SPDX-License-Identifier: Apache-2.0
"""Architectures of matching networks, as YAML files name them."""

import pytest

from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.offline.training.contact.architecture import MatchingArchitecture


def test_the_stages_of_a_timm_model_are_found() -> None:
    architecture = MatchingArchitecture('timm:convnext_tiny', (96, 160), 5, 24)

    assert architecture.configuration() == MatchingConfiguration(
        backbone='timm:convnext_tiny',
        input_size=(96, 160),
        maximum_frames=5,
        contact_channels=24,
        stage_strides=(32, 16, 8, 4),
        stage_channels=(768, 384, 192, 96),
    )


def test_other_backbones_have_no_fields_of_their_own() -> None:
    architecture = MatchingArchitecture('resnet50', (64, 96), 3, 40)

    assert architecture.configuration() == MatchingConfiguration(
        backbone='resnet50', input_size=(64, 96), maximum_frames=3, contact_channels=40
    )


def test_a_size_that_the_backbone_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match=r'input_size is \(64, 80\); expected multiples of 32'):
        MatchingArchitecture('efficientnet_lite0', (64, 80), 4, 64).configuration()
