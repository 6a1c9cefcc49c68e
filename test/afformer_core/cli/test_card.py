# SPDX-License-Identifier: Apache-2.0
"""Model cards, and what a model folder tells of its data and weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from afformer_core.cli.card.model_card import model_card
from afformer_core.cli.main import main
from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.model_folder import model_ingredients, read_description
from afformer_core.runtime.weights import save_model

EPIC = {
    'use': 'training data',
    'source': 'EPIC-Hotspot',
    'licence': 'CC-BY-NC-4.0',
    'samples': 1234,
}
OURS = {'use': 'training data', 'source': 'our|lab', 'licence': 'own', 'samples': 7}
WEIGHTS = {'use': 'backbone weights', 'source': 'ImageNet weights', 'licence': 'Apache-2.0'}
CHOSEN_BY = {'use': 'validation data', 'source': 'OPRA', 'licence': 'unknown'}


def write(folder: Path, *ingredients: dict[str, Any], **training: Any) -> Path:
    torch.manual_seed(0)
    model = Afformer(afformer_small(('press', 'hold'), (64, 64)))
    save_model(folder / 'mine', model, {'trained_on': list(ingredients), **training})
    return folder / 'mine'


def test_a_card_lists_all_data_and_weights_with_their_licences(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        EPIC,
        OURS,
        WEIGHTS,
        CHOSEN_BY,
        commands=['afformer train -c a.yaml'],
        validation={'kld': 1.25},
        step=400,
    )

    card = model_card(folder)

    assert card.startswith('# mine\n')
    assert '| Actions | press, hold |' in card
    assert '| EPIC-Hotspot | training data | 1,234 | CC-BY-NC-4.0 | non-commercial |' in card
    assert r'| our\|lab | training data | 7 | own | permissive |' in card
    assert '| ImageNet weights | backbone weights | - | Apache-2.0 | permissive |' in card
    assert '| OPRA | validation data | - | unknown | unknown |' in card
    assert 'Some of it must not be used commercially, so the model must not be used' in card
    assert '```sh\nafformer train -c a.yaml\n```' in card
    assert '| kld | 1.25 |' in card
    assert '- step: 400\n' in card


@pytest.mark.parametrize(
    ('ingredients', 'expected'),
    [
        ((OURS, WEIGHTS, CHOSEN_BY), 'All data and weights are under permissive licences.'),
        ((OURS, {**OURS, 'licence': 'CC-BY-SA-4.0'}), 'Some of it must be shared'),
        ((EPIC, {**OURS, 'licence': 'unknown'}), 'The licence of some of it is not known.'),
        ((), 'The licence of some of it is not known.'),
    ],
)
def test_a_card_says_what_the_strictest_licence_means(
    tmp_path: Path, ingredients: tuple[dict[str, Any], ...], expected: str
) -> None:
    assert expected in model_card(write(tmp_path, *ingredients))


def test_a_model_that_does_not_tell_is_of_unknown_licence(tmp_path: Path) -> None:
    (told,) = model_ingredients(write(tmp_path))

    assert (told.origin.source, told.origin.licence) == ('training of mine', 'unknown')


def test_a_wrong_ingredient_of_a_model_is_an_error(tmp_path: Path) -> None:
    folder = write(tmp_path, OURS)
    content = json.loads((folder / 'model.json').read_text())
    content['training']['trained_on'][0]['use'] = 'fun'
    (folder / 'model.json').write_text(json.dumps(content))

    with pytest.raises(ModelFolderError, match="use is 'fun'; expected one of training data"):
        read_description(folder)


def test_the_shipped_model_is_made_of_permissive_data_and_weights(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(['card', 'shipped']) == 0

    card = capsys.readouterr().out
    assert '| afformer simulate | training data | 269,123 | Apache-2.0 | permissive |' in card
    assert 'All data and weights are under permissive licences.' in card
    assert '## Training of the matching network' in card


def test_a_card_lists_the_provenance(tmp_path: Path) -> None:
    made: dict[str, Any] = {
        'commit': '0123456789ab',
        'machine': 'a processor, 6 cores',
        'seed': 7,
        'packages': {'numpy': '2.1.0', 'torch': '2.5.1'},
        'data': {'my_pairs/train.json': 'c0ffee'},
    }
    card = model_card(write(tmp_path, OURS, provenance=made))
    assert '| commit | 0123456789ab |' in card
    assert '| seed | 7 |' in card
    assert '| SHA-256 of my_pairs/train.json | `c0ffee` |' in card
    assert '| packages | numpy 2.1.0, torch 2.5.1 |' in card


def test_a_card_is_written_to_a_file(tmp_path: Path) -> None:
    folder = write(tmp_path, OURS)

    assert main(['card', str(folder), '--output', str(folder / 'MODEL_CARD.md')]) == 0

    assert (folder / 'MODEL_CARD.md').read_text() == model_card(folder)
