# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes as examples, stored in the user's cache folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.cache_folder import cache_folder
from afformer_core.files.folder_lock import folder_lock

# This module does not import the simulator. Rendering in a separate process keeps OpenGL out of
# the server.
_SIMULATOR, _RENDERER = 'afformer_sim', 'afformer_sim.demo_scenes'
_SCENES = 'scenes.json'
_SECONDS = 300


@dataclass(frozen=True)
class ExampleScene:
    """A scene: title, video of its demonstration, and camera image."""

    title: str
    video: Path
    image: Path


def examples_are_offered() -> bool:
    """Return whether the simulator, which renders the examples, is installed."""
    return find_spec(_SIMULATOR) is not None


def example_scenes() -> tuple[ExampleScene, ...]:
    """Return the scenes; the first call of a user renders them, which takes about a minute.

    Raises:
        AfformerError: they cannot be rendered on this machine.
    """
    parent = cache_folder() / 'studio'
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / 'examples'
    with folder_lock(parent):
        if not (folder / _SCENES).is_file():
            _render(folder)
    listed = json.loads((folder / _SCENES).read_text())
    return tuple(
        ExampleScene(fields['title'], folder / fields['video'], folder / fields['image'])
        for fields in listed
    )


def _render(folder: Path) -> None:
    """Render into a folder that appears when it is complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        rendered = Path(aside) / folder.name
        rendered.mkdir()
        command = [sys.executable, '-m', _RENDERER, str(rendered)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS, text=True)
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip().splitlines() or ['no reason was given'])[-1]
            raise AfformerError(
                f"the examples cannot be rendered: {reason}. pip install '.[sim]' installs what "
                'they need'
            ) from error
        except subprocess.TimeoutExpired as error:
            raise AfformerError(
                f'the examples were not rendered within {_SECONDS} s. Try again'
            ) from error
        shutil.rmtree(folder, ignore_errors=True)
        rendered.rename(folder)
