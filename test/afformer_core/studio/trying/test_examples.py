# SPDX-License-Identifier: Apache-2.0
"""The examples of the studio, which the simulator renders in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from afformer_core.errors import AfformerError
from afformer_core.studio.trying.examples import example_scenes, examples_are_offered

# Stands for the renderer, which takes a minute.
RENDERER = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[1])
with Path('calls').open('a') as calls:
    calls.write('rendered\\n')
scenes = [{'title': 'the tap', 'video': 'tap.mp4', 'image': 'tap.png'}]
(folder / 'scenes.json').write_text(json.dumps(scenes))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which processes import from first, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path


def write_simulator(home: Path, renderer: str) -> None:
    package = home / 'afformer_sim' / 'demo_scenes'
    package.mkdir(parents=True)
    (package.parent / '__init__.py').write_text('')
    (package / '__init__.py').write_text('')
    (package / '__main__.py').write_text(renderer)


def test_examples_are_rendered_once(home: Path) -> None:
    write_simulator(home, RENDERER)
    (first,), (second,) = example_scenes(), example_scenes()
    folder = home / 'cache' / 'afformer' / 'studio' / 'examples'
    assert (first.title, first.video, first.image) == (
        'the tap', folder / 'tap.mp4', folder / 'tap.png',
    )  # fmt: skip
    assert second == first
    assert (home / 'calls').read_text() == 'rendered\n'


def test_a_renderer_that_fails_says_why_and_leaves_nothing(home: Path) -> None:
    write_simulator(home, "raise ModuleNotFoundError('No module named mujoco')")
    with pytest.raises(AfformerError, match=r'rendered: .*No module named mujoco.*\[sim\]'):
        example_scenes()
    assert not (home / 'cache' / 'afformer' / 'studio' / 'examples').exists()


def test_examples_are_offered_where_the_simulator_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert examples_are_offered()
    for name in [name for name in sys.modules if name.partition('.')[0] == 'afformer_sim']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.setattr(sys, 'meta_path', [])
    assert not examples_are_offered()
