# SPDX-License-Identifier: Apache-2.0
"""Terms of licences, and what a model was made of."""

from __future__ import annotations

from typing import Any

import pytest

from afformer_core.licences import Ingredient, Origin, ingredients_of, merged, restricted, terms_of
from afformer_core.offline.training.initial_weights import backbone_ingredients


@pytest.mark.parametrize(
    ('licence', 'expected'),
    [
        ('MIT', 'permissive'),
        ('apache-2.0', 'permissive'),
        ('CDLA-Permissive-2.0', 'permissive'),
        ('own', 'permissive'),
        ('CC-BY-4.0', 'permissive'),
        ('CC-BY-SA-4.0', 'share-alike'),
        ('GPL-3.0-only', 'share-alike'),
        ('CC-BY-NC-4.0', 'non-commercial'),
        ('CC-BY-NC-SA-4.0', 'non-commercial'),
        ('unknown', 'unknown'),
        ('CC-BY-4.0-but-not-quite', 'unknown'),
    ],
)
def test_terms_of_a_licence(licence: str, expected: str) -> None:
    assert terms_of(licence) == expected


def test_samples_are_counted_by_origin() -> None:
    ours, theirs = Origin('ours', 'own'), Origin('EPIC', 'CC-BY-NC-4.0')

    assert ingredients_of('training data', [ours, theirs, ours]) == (
        Ingredient('training data', theirs, 1),
        Ingredient('training data', ours, 2),
    )


def test_the_same_data_of_two_trainings_is_there_once() -> None:
    few, many = (Ingredient('training data', Origin('ours', 'own'), n) for n in (2, 9))
    weights = Ingredient('backbone weights', Origin('ours', 'own'))

    assert merged([few, weights, many]) == (many, weights)


def test_non_commercial_and_unknown_ones_are_restricted() -> None:
    kinds = [
        Ingredient('training data', Origin('a', licence), 1)
        for licence in ('MIT', 'CC-BY-NC-4.0', 'CC-BY-SA-4.0', 'unknown')
    ]

    assert [each.origin.licence for each in restricted(kinds)] == ['CC-BY-NC-4.0', 'unknown']


@pytest.mark.parametrize('samples', [0, 7])
def test_an_ingredient_comes_back_from_json(samples: int) -> None:
    ingredient = Ingredient('validation data', Origin('a', 'MIT'), samples)

    assert Ingredient.from_json(ingredient.to_json()) == ingredient


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'use': 'fun'}, "use is 'fun'; expected one of training data"),
        ({'samples': -1}, 'samples are -1; expected at least 0'),
        ({'source': ' '}, "source is ' '; expected a name of one line"),
        ({'licence': 'a\nb'}, 'expected a name of one line'),
    ],
)
def test_a_wrong_ingredient_is_an_error(change: dict[str, Any], expected: str) -> None:
    fields = {'use': 'training data', 'source': 'a', 'licence': 'MIT', **change}

    with pytest.raises(ValueError, match=expected):
        Ingredient.from_json(fields)


@pytest.mark.parametrize(
    ('backbone', 'weights', 'expected'),
    [
        ('efficientnet_lite0', 'imagenet', 'Apache-2.0'),
        ('resnet50', 'coco', 'BSD-3-Clause'),
        ('vitdet_b', 'models/mae.pkl', 'unknown'),
        ('timm:vit_small_patch14_dinov2.lvd142m', 'pretrained', 'apache-2.0'),
        ('timm:vit_small_patch16_dinov3.lvd1689m', 'pretrained', 'dinov3-license'),
    ],
)
def test_initial_weights_of_a_backbone_have_a_licence(
    backbone: str, weights: str, expected: str
) -> None:
    (found,) = backbone_ingredients(backbone, weights)

    assert (found.use, found.origin.licence) == ('backbone weights', expected)


def test_random_weights_need_no_licence() -> None:
    assert backbone_ingredients('resnet50', 'random') == ()
