# SPDX-License-Identifier: Apache-2.0
"""A model fine-tuned on own pairs in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from afformer_core.studio.training.trainings import is_trained_now

from ..conftest import opened, serving


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was stopped, with its output."""
    folder = tmp_path_factory.mktemp('models')
    (folder / 'begun').mkdir()
    (folder / 'begun/config.yaml').write_text('trainer:\n  max_steps: 9\n')
    (folder / 'begun/training.log').write_text('first\n\rstep 1\rstep 2')
    return folder


@pytest.fixture(scope='module')
def trainer(models: Path, marked_pairs: Path, tiny_configuration: Path) -> Iterator[str]:
    """Address of a studio that trains on marked pairs."""
    options = ['--pairs', str(marked_pairs), '--models', str(models), '--backend', 'torch']
    with serving(*options, '--training-configuration', str(tiny_configuration)) as running:
        yield running.address


@pytest.fixture
def page(chromium: Any, trainer: str) -> Iterator[Any]:
    """The tab."""
    with opened(chromium, trainer) as page:
        page.get_by_role('tab', name='Train').click()
        yield page


def start(page: Any, name: str, steps: int) -> None:
    page.get_by_label('Name of the new model').fill(name)
    page.get_by_role('spinbutton', name='Steps').fill(str(steps))
    page.get_by_role('button', name='Start').click()


def test_a_training_that_stands_on_disk_is_shown_and_can_be_resumed(page: Any) -> None:
    page.get_by_text('Stopped. Resume continues from the last checkpoint (9 steps)').wait_for()

    assert page.locator('.output').inner_text() == 'first\nstep 2'
    assert page.get_by_role('button', name='Resume').is_enabled()
    assert page.get_by_role('button', name='Stop').is_disabled()
    # A phone shows the progress below the form.
    page.set_viewport_size({'width': 390, 'height': 844})
    assert page.locator('.training-state').bounding_box()['x'] < 60
    assert page.evaluate('document.documentElement.scrollWidth') == 390


def test_a_name_that_does_not_do_is_refused(page: Any, models: Path) -> None:
    start(page, 'begun', 3)

    page.get_by_text('begun exists. Give another name, or resume it').first.wait_for()
    assert [path.name for path in models.iterdir()] == ['begun']


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_is_trained_stopped_resumed_and_compared(
    chromium: Any, page: Any, trainer: str, models: Path
) -> None:
    page.set_default_timeout(300_000)
    start(page, 'tuned', 40)
    page.locator('.output', has_text='kld=').wait_for()
    page.get_by_role('button', name='Stop').click()
    page.get_by_text('Stopped. Resume continues').wait_for()
    assert (models / 'tuned/checkpoints/last.ckpt').is_file()
    assert not (models / 'tuned/model.json').exists()

    page.get_by_role('button', name='Resume').click()
    page.locator('.output', has_text='kld=').wait_for()
    with opened(chromium, trainer) as other:
        other.set_default_timeout(300_000)
        other.get_by_role('tab', name='Train').click()
        other.get_by_text('Finished').wait_for()
        with other.expect_download() as report:
            other.get_by_role('button', name='Better than before?').click()
        content = report.value.path().read_text()
    assert 'tuned' in content
    assert 'Difference to afformer_small' in content


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_why_a_training_failed_is_told(page: Any, models: Path, tiny_configuration: Path) -> None:
    page.set_default_timeout(300_000)
    (models / 'broken').mkdir()
    configuration = yaml.safe_load(tiny_configuration.read_text())
    configuration['output'] = str(models / 'broken')
    configuration['data']['init_args']['train']['annotations'] = '/nowhere'
    (models / 'broken/config.yaml').write_text(yaml.safe_dump(configuration))
    page.reload()
    page.get_by_role('tab', name='Train').click()
    page.get_by_label('Shown').click()
    page.get_by_role('option', name='broken').click()
    page.get_by_role('button', name='Resume').click()

    page.get_by_text('Failed').wait_for()
    assert '/nowhere' in page.locator('.output').inner_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_end_of_the_server_ends_a_training_with_a_checkpoint(
    chromium: Any, marked_pairs: Path, tiny_configuration: Path, tmp_path: Path
) -> None:
    options = ['--pairs', str(marked_pairs), '--models', str(tmp_path), '--backend', 'torch']
    options += ['--training-configuration', str(tiny_configuration)]
    with serving(*options) as running, opened(chromium, running.address) as page:
        page.set_default_timeout(300_000)
        page.get_by_role('tab', name='Train').click()
        start(page, 'tuned', 1000)
        page.locator('.output', has_text='kld=').wait_for()
        assert is_trained_now(tmp_path / 'tuned')

    assert not is_trained_now(tmp_path / 'tuned')
    assert (tmp_path / 'tuned/checkpoints/last.ckpt').is_file()
    assert not (tmp_path / 'tuned/model.json').exists()
