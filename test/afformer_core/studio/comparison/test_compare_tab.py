# SPDX-License-Identifier: Apache-2.0
"""Two models compared on own pairs in a browser."""

from __future__ import annotations

import json
import re
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
    (folder / 'altered/config.yaml').write_text('model:\n  initial: shipped\n')
    return folder


@pytest.fixture
def page(chromium: Any, marked_pairs: Path, models: Path) -> Iterator[Any]:
    """The tab."""
    options = ['--pairs', str(marked_pairs), '--models', str(models), '--backend', 'torch']
    options.append('--examples-on-click')
    with serving(*options) as running, opened(chromium, running.address) as page:
        page.get_by_role('tab', name='Compare').click()
        yield page


def compare(page: Any) -> None:
    page.get_by_role('button', name='Compare').click()
    page.locator('.pair').first.wait_for()
    page.get_by_text('All numbers, with intervals').click()


def row_of(page: Any, title: str, label: str) -> list[str]:
    """Cells of a row of a table."""
    table = page.locator('.measures', has_text=title)
    row = table.locator('tr', has=page.locator(f'td:text-is("{label}")'))
    cells: list[str] = row.locator('td').all_inner_texts()
    return cells


def divergences(page: Any) -> list[list[float]]:
    """KLD of both models in each pair that is shown, in order."""
    told = page.locator('.pair').all_inner_texts()
    return [[float(each) for each in re.findall(r'KLD ([0-9.]+)', text)] for text in told]


def test_two_models_are_compared_pair_by_pair(page: Any) -> None:
    compare(page)

    interval = re.compile(r'-?[0-9.]+ \[-?[0-9.]+, -?[0-9.]+\]')
    assert interval.fullmatch(row_of(page, 'Accuracy', 'shipped')[1])
    assert interval.fullmatch(row_of(page, 'Difference to shipped', 'KLD')[1])
    shown = divergences(page)
    gains = [first - second for first, second in shown]
    assert len(gains) == 2
    assert re.search(r'in [0-2] of 2 pairs', page.locator('.verdict').inner_text())
    assert gains == sorted(gains, reverse=True)
    assert page.locator('.pair img').count() == 4
    page.get_by_role('button', name='shipped wins most').click()
    page.wait_for_function(
        'text => document.querySelector(".pair").innerText.includes(text)',
        arg=f'shipped: KLD {shown[-1][0]:.2f}',
    )
    assert divergences(page) == shown[::-1]
    page.get_by_role('tab', name='Train').click()
    nearer = sum(gain > 0 for gain in gains)
    page.get_by_text(f'The heatmap is closer to them in {nearer} of 2 pairs.').wait_for()


@pytest.mark.slow
def test_the_numbers_are_those_of_the_command(
    page: Any, marked_pairs: Path, models: Path, tmp_path: Path
) -> None:
    compare(page)

    given = ['evaluate', 'shipped', str(models / 'altered'), '--annotations', str(marked_pairs)]
    assert main([*given, '--backend', 'torch', '--json', str(tmp_path / 'all.json')]) == 0
    measures = json.loads((tmp_path / 'all.json').read_text())['measures']
    expected = {
        name: measures['models'][name]['predictors']['model']['kld']
        for name in ('shipped', 'altered')
    }
    for name, kld in expected.items():
        told = f'{kld["value"]:.3f} [{kld["low"]:.3f}, {kld["high"]:.3f}]'
        assert row_of(page, 'Accuracy', name)[1] == told
    difference = measures['differences']['altered']['kld']['value']
    assert row_of(page, 'Difference', 'KLD')[1].startswith(f'{difference:.3f} [')
