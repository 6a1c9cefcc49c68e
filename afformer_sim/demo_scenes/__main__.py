# SPDX-License-Identifier: Apache-2.0
"""Renderer of the example pairs: ``python -m afformer_sim.demo_scenes FOLDER``.

`afformer_core/example_pairs/rendered` is such a folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from afformer_core.example_pairs.pair_folder import ExamplePair, write_list
from afformer_core.media.images import read_image, write_jpeg
from afformer_sim.demo_scenes.rendered_scenes import rendered_scenes

_QUALITY = 88
_TITLES = {
    'cup_handle': 'Hold the handle of a cup',
    'spoon': 'Touch a spoon',
    'drawers_pull': 'Pull a drawer',
}


def main(folder: Path) -> None:
    """Render the scenes of the demo, and list them without the videos of their cameras."""
    pairs = []
    with tempfile.TemporaryDirectory() as aside:
        for scene in rendered_scenes(Path(aside)):
            video = folder / scene.demonstration.name
            video.write_bytes(scene.demonstration.read_bytes())
            image = folder / f'{scene.image.stem}.jpg'
            write_jpeg(image, read_image(scene.image), _QUALITY)
            pairs.append(ExamplePair(_TITLES[scene.name], video, image))
    write_list(folder, pairs)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
