# SPDX-License-Identifier: Apache-2.0
"""The configuration of a matching network: the shapes that it knows, and what it refuses."""

import json
from dataclasses import replace
from typing import Any

import pytest

from afformer_core.models import MatchingConfiguration, small_matching

SMALL = small_matching((64, 96))
CONVNEXT: dict[str, Any] = {
    'backbone': 'timm:convnext',
    'stage_strides': (32, 16, 8, 4),
    'stage_channels': (80, 40, 20, 10),
}
VIT: dict[str, Any] = {
    'backbone': 'timm:vit',
    'input_size': (56, 84),
    'stage_strides': (14,),
    'stage_channels': (48,),
}


def test_stages_of_a_convolutional_backbone() -> None:
    assert SMALL.stage_shapes == ((320, 2, 3), (112, 4, 6), (40, 8, 12))
    resnet = replace(SMALL, backbone='resnet50')
    assert resnet.stage_shapes == ((2048, 2, 3), (1024, 4, 6), (512, 8, 12))


def test_stages_of_a_hierarchical_timm_model() -> None:
    configuration = replace(SMALL, **CONVNEXT)

    assert configuration.stage_shapes == ((80, 2, 3), (40, 4, 6), (20, 8, 12))


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'backbone': 'resnet18'}, "backbone is 'resnet18'; expected one of "),
        ({'backbone': 'vitdet_b'}, "backbone is 'vitdet_b'; expected one with stages"),
        ({'maximum_frames': 0}, 'maximum_frames is 0; expected at least 1'),
        ({'contact_channels': 0}, 'contact_channels is 0; expected a multiple of 8'),
        ({'contact_channels': 36}, 'contact_channels is 36; expected a multiple of 8'),
        ({'input_size': (64, 80)}, r'input_size is \(64, 80\); expected multiples of 32'),
        ({'input_size': (0, 96)}, r'input_size is \(0, 96\); expected multiples of 32'),
        ({'input_size': (64, 96, 3)}, r'input_size is \(64, 96, 3\); expected multiples of 32'),
        ({'stage_strides': (32,)}, r'stage_strides is \(32,\); expected none for efficientnet'),
        ({**CONVNEXT, 'stage_strides': ()}, r'stage_strides is \(\); expected those of timm:conv'),
        ({**CONVNEXT, 'stage_channels': (80,)}, r'stage_channels is \(80,\); expected those of'),
        (
            {**CONVNEXT, 'stage_strides': (32, 16), 'stage_channels': (80, 40)},
            "backbone is 'timm:convnext'; expected one with stages",
        ),
        ({'long_sides': (96, 70)}, r'long_sides is \(96, 70\); expected ascending multiples'),
        ({'long_sides': (96, 96)}, r'long_sides is \(96, 96\); expected ascending'),
        ({'long_sides': (0, 96)}, r'long_sides is \(0, 96\); expected ascending'),
        (VIT, "backbone is 'timm:vit'; expected one with stages"),
    ],
    ids=lambda value: '-'.join(value) if isinstance(value, dict) else '',
)
def test_a_field_out_of_range_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **fields)


def test_json_gives_the_same_configuration() -> None:
    for configuration in (replace(SMALL, long_sides=(64, 96)), replace(SMALL, **CONVNEXT)):
        content = json.loads(json.dumps(configuration.to_json()))

        assert MatchingConfiguration.from_json(content) == configuration


def test_a_description_without_stages_and_long_sides_is_read() -> None:
    content = SMALL.to_json()
    del content['stage_strides'], content['stage_channels'], content['long_sides']

    assert MatchingConfiguration.from_json(content) == SMALL


def test_fields_of_another_architecture_are_refused() -> None:
    content = SMALL.to_json()
    del content['contact_channels']

    with pytest.raises(
        ValueError,
        match=r"lacks the fields \['contact_channels'\] and has the unknown fields \['channels'\]",
    ):
        MatchingConfiguration.from_json({**content, 'channels': 64})
