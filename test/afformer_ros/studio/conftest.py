# SPDX-License-Identifier: Apache-2.0
"""A studio beside a grounding node, and a page of it in a browser."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from test.afformer_core.studio.conftest import serving

# Of a machine that is busy.
_MILLISECONDS = 60_000


@pytest.fixture(scope='session')
def exported_model(shipped_model: Path) -> Path:
    """The shipped model: one with random weights has no matching network, which marks need."""
    return shipped_model


@pytest.fixture(scope='module')
def models(exported_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a model `taught`, which is the shipped one."""
    folder = tmp_path_factory.mktemp('models')
    shutil.copytree(exported_model, folder / 'taught')
    return folder


@pytest.fixture(scope='module')
def open_studio(exported_model: Path, models: Path) -> Iterator[Callable[[str], str]]:
    """Starts a studio that shows a node; returns its address."""
    options = '--model', str(exported_model), '--models', str(models), '--node'
    with contextlib.ExitStack() as started:
        yield lambda node: started.enter_context(serving(*options, node)).address


@pytest.fixture(scope='module')
def studio(open_studio: Callable[[str], str]) -> str:
    """Address of a studio that shows the node `/shared/grounding`."""
    return open_studio('shared/grounding')


@pytest.fixture
def page(chromium: Any, studio: str) -> Iterator[Any]:
    """The tab Robot at 1280x720."""
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(_MILLISECONDS)
    page.goto(studio)
    page.get_by_role('tab', name='Robot').click()
    yield page
    page.close()
