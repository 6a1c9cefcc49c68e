# SPDX-License-Identifier: Apache-2.0
"""A detector that other processes can import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope='session')
def red() -> Iterator[ModuleType]:
    """The module `red_hands`, importable by its name in spawned processes, too."""
    folder = str(Path(__file__).parent)
    sys.path.append(folder)
    yield importlib.import_module('red_hands')
    sys.path.remove(folder)


@pytest.fixture
def red_detector(red: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options of `afformer mine` by which it sees red hands; another name is refused."""
    monkeypatch.setattr(
        'afformer_core.hands.open_detector.open_hand_detector',
        lambda name: {'red': red.RedHands}[name](),
    )
    return ['--detector', 'red', '--processes', '1']
