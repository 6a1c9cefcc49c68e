# SPDX-License-Identifier: Apache-2.0
"""Renderer of the scenes into a folder: ``python -m afformer_sim.demo_scenes FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from afformer_sim.demo_scenes.rendered_scenes import rendered_scenes


def main(folder: Path) -> None:
    """Render the scenes and list them in `scenes.json`, with files relative to the folder."""
    scenes = [
        {'title': scene.title, 'video': scene.demonstration.name, 'image': scene.image.name}
        for scene in rendered_scenes(folder)
    ]
    (folder / 'scenes.json').write_text(json.dumps(scenes))


if __name__ == '__main__':
    main(Path(sys.argv[1]))
