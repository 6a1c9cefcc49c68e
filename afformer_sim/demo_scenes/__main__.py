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
        {'title': one.title, 'video': one.demonstration.name, 'image': one.image.name}
        for one in rendered_scenes(folder)
    ]
    (folder / 'scenes.json').write_text(json.dumps(scenes))


if __name__ == '__main__':
    main(Path(sys.argv[1]))
