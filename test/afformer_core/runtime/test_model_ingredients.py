# SPDX-License-Identifier: Apache-2.0
"""Data and weights of which a model folder was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.model_folder import model_ingredients
from afformer_core.runtime.shipped_model import model_folder
from afformer_core.runtime.weights import save_model


def write(folder: Path, *ingredients: dict[str, Any]) -> Path:
    torch.manual_seed(0)
    model = Afformer(afformer_small(('press', 'hold'), (64, 64)))
    save_model(folder / 'mine', model, {'trained_on': list(ingredients)})
    return folder / 'mine'


def test_a_model_that_does_not_tell_is_of_unknown_licence(tmp_path: Path) -> None:
    (told,) = model_ingredients(write(tmp_path))

    assert (told.origin.source, told.origin.licence) == ('training of mine', 'unknown')


def test_the_shipped_model_is_made_of_permissive_data_and_weights() -> None:
    ingredients = model_ingredients(model_folder('shipped'))

    assert {ingredient.origin.terms for ingredient in ingredients} == {'permissive'}
    samples = {ingredient.origin.source: ingredient.samples for ingredient in ingredients}
    assert samples['afformer simulate'] == 269_123
