# SPDX-License-Identifier: Apache-2.0
"""The model card: what it takes from the model folder and from the benchmark."""

import json
from pathlib import Path

import pytest

from afformer_core.models.presets import afformer_correspondence
from afformer_core.runtime.weights import save_model
from studies.weights.card import write_card

from ...afformer_core.conftest import random_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / 'button_finder'
    network = random_model(afformer_correspondence(('press', 'hold'), (64, 96)))
    training = {'commands': ['afformer train -c config/x.yaml'], 'step': 3000}
    save_model(folder, network, training)
    return folder


def card(model: Path, tmp_path: Path, measures: dict[str, object]) -> str:
    benchmark, output = tmp_path / 'benchmark.json', tmp_path / 'MODEL_CARD.md'
    splits = {'test-seen': {'schema': 1, 'facts': {}, 'measures': measures}}
    benchmark.write_text(json.dumps({'schema': 1, 'splits': splits}))
    write_card(model, benchmark, output)
    return output.read_text()


def test_the_card_tells_the_model_and_how_it_was_made(model: Path, tmp_path: Path) -> None:
    text = card(model, tmp_path, {})

    assert text.startswith('# button_finder\n')
    assert '| Input | 96x64 pixels, RGB |' in text
    assert '| Actions | press, hold |' in text
    assert 'correspondence by contact' in text
    assert '\nafformer train -c config/x.yaml\n' in text
    assert 'of 3000 steps' in text


def test_bootstrapped_numbers_have_their_interval(model: Path, tmp_path: Path) -> None:
    inside = {'value': 0.853, 'low': 0.81, 'high': 0.894, 'confidence': 0.95, 'count': 300}
    measures = {
        'predictors': {
            'model': {'kld': 0.5, 'peak_inside': inside, 'nearest': None, 'top_1': 0.86},
            'action_mean_map': {'kld': 2.566},
        }
    }

    text = card(model, tmp_path, measures)

    assert (
        '| split | KLD | KLD of the blind prior | peak inside | nearest element | action |' in text
    )
    assert '| test-seen | 0.50 | 2.57 | 0.85 [0.81, 0.89] | - | 0.86 |' in text
