#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The moving images of README: the film of an arm, and demonstrations beside their overlays.

Run from the root of the project, the first line after `make demo`::

    python -m tools.animation docs/images/robot.webp --film demo_output/robot.mp4
    python -m tools.animation docs/images/overlay.webp

The overlays in the second are those that `afformer ground` draws for the first two scenes of
`make demo`.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from afformer_core.cli.main import main as afformer
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video
from afformer_sim.demo_scenes.rendered_scenes import rendered_scenes

# Of each demonstration.
FRAMES, MILLISECONDS = 24, 110
# Height of both images and the gap between them, in pixels.
HEIGHT, GAP = 300, 8
QUALITY = 60
# Of the film.
FILM_FRAMES, FILM_WIDTH, FILM_MILLISECONDS, FILM_QUALITY = 110, 760, 200, 45


def side_by_side(left: np.ndarray, right: np.ndarray) -> Image.Image:
    """Join two images, uint8 RGB [H, W, 3], scaled to one height."""
    images = [Image.fromarray(array) for array in (left, right)]
    scaled = [
        image.resize((round(image.width * HEIGHT / image.height), HEIGHT)) for image in images
    ]
    both = Image.new('RGB', (sum(image.width for image in scaled) + GAP, HEIGHT), 'white')
    both.paste(scaled[0], (0, 0))
    both.paste(scaled[1], (scaled[0].width + GAP, 0))
    return both


def ground_and_join(video: Path, image: Path) -> list[Image.Image]:
    """Return the frames of a demonstration, each beside the image with its overlay.

    Raises:
        RuntimeError: the command that grounds failed.
    """
    overlay = video.with_suffix('.png')
    files = ['--video', str(video), '--image', str(image), '--output', str(overlay)]
    status = afformer(['ground', *files])
    if status:
        raise RuntimeError(f'afformer ground {" ".join(files)} ended with status {status}')
    found = read_image(overlay)
    return [side_by_side(frame, found) for frame in read_video(video, FRAMES)]


def shrink_film(film: Path) -> list[Image.Image]:
    """Return frames of a film at the width of README."""
    frames = [Image.fromarray(frame) for frame in read_video(film, FILM_FRAMES)]
    size = FILM_WIDTH, round(frames[0].height * FILM_WIDTH / frames[0].width)
    return [frame.resize(size) for frame in frames]


def show_groundings() -> list[Image.Image]:
    """Return the frames of two demonstrations, each beside its overlay on one image."""
    with tempfile.TemporaryDirectory() as folder:
        scenes = list(itertools.islice(rendered_scenes(Path(folder)), 2))
        return [
            frame
            for scene in scenes
            for frame in ground_and_join(scene.demonstration, scene.image)
        ]


def main() -> int:
    """Read the arguments and write an animated WebP file that repeats forever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('output', type=Path)
    parser.add_argument('--film', type=Path, help='the film of the arm that `make demo` writes')
    arguments = parser.parse_args()
    shown = show_groundings() if arguments.film is None else shrink_film(arguments.film)
    shown[0].save(
        arguments.output,
        save_all=True,
        append_images=shown[1:],
        duration=MILLISECONDS if arguments.film is None else FILM_MILLISECONDS,
        loop=0,
        quality=QUALITY if arguments.film is None else FILM_QUALITY,
        method=6,
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
