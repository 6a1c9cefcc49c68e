# SPDX-License-Identifier: Apache-2.0
"""Two models compared on own pairs in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from afformer_core.cli.main import main
from afformer_core.runtime.weights import load_model, save_model

from ..conftest import opened, serving


@pytest.fixture(scope='module')
def models(shipped_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model with other weights in its heatmaps, without zoom stages."""
    folder = tmp_path_factory.mktemp('models')
    model = load_model(shipped_model)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.predictor.upsampler.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=rng)
    save_model(folder / 'altered', model, {}, torch.float32)
    return folder


@pytest.fixture
def page(chromium: Any, marked_pairs: Path, models: Path) -> Iterator[Any]:
    """The tab."""
    options = ['--pairs', str(marked_pairs), '--models', str(models), '--backend', 'torch']
    with serving(*options) as running, opened(chromium, running.address) as page:
        page.get_by_role('tab', name='Compare').click()
        yield page


def test_two_models_are_compared_as_by_the_command(
    page: Any, marked_pairs: Path, models: Path, tmp_path: Path
) -> None:
    page.get_by_role('button', name='Compare').click()
    page.locator('.pair').first.wait_for()

    given = ['evaluate', 'shipped', str(models / 'altered'), '--annotations', str(marked_pairs)]
    assert main([*given, '--backend', 'torch', '--json', str(tmp_path / 'all.json')]) == 0
    measures = json.loads((tmp_path / 'all.json').read_text())['measures']
    accuracy = page.locator('.measures', has_text='Accuracy')
    for name in ('shipped', 'altered'):
        kld = measures['models'][name]['predictors']['model']['kld']
        row = accuracy.locator('tr', has=page.locator(f'td:text-is("{name}")'))
        told = f'{kld["value"]:.3f} [{kld["low"]:.3f}, {kld["high"]:.3f}]'
        assert row.locator('td').nth(1).inner_text() == told
    difference = measures['differences']['altered']['kld']
    row = page.locator('.measures', has_text='Difference').locator(
        'tr', has=page.locator('td:text-is("KLD")')
    )
    assert row.locator('td').nth(1).inner_text().startswith(f'{difference["value"]:.3f} [')

    assert page.locator('.pair').count() == 2
    assert page.locator('.pair img').count() == 4
    first = page.locator('.pair').first.inner_text()
    page.get_by_role('button', name='shipped wins most').click()
    page.wait_for_function('text => document.querySelector(".pair").innerText !== text', arg=first)
