#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The moving image of README: a demonstration beside what was found in a replayed recording.

From the root of the project::

    afformer simulate recordings/panel --rgbd-bag --seed 4
    afformer replay recordings/panel/bag --out replays/panel
    python -m tools.animation recordings/panel/bag#/demonstration replays/panel/overlay.mp4 \
        docs/images/overlay.webp
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from afformer_core.demonstrations.media import read_demonstration
from afformer_core.media.video import read_video

# Of the animation.
FRAMES, MILLISECONDS = 40, 100
# Pixels: of both images, and between them.
HEIGHT, GAP = 300, 8
QUALITY = 60


def side_by_side(left: np.ndarray, right: np.ndarray) -> Image.Image:
    """Join two images, uint8 RGB [H, W, 3], scaled to one height."""
    images = [Image.fromarray(each) for each in (left, right)]
    scaled = [each.resize((round(each.width * HEIGHT / each.height), HEIGHT)) for each in images]
    both = Image.new('RGB', (sum(each.width for each in scaled) + GAP, HEIGHT), 'white')
    both.paste(scaled[0], (0, 0))
    both.paste(scaled[1], (scaled[0].width + GAP, 0))
    return both


def animate(demonstration: Path, overlay: Path, output: Path) -> None:
    """Write an animated WebP file that repeats for ever.

    Args:
        demonstration: a video, or the topic of a bag as `BAG#TOPIC`.
        overlay: video of a replay.
        output: file to write.
    """
    shown = read_demonstration(demonstration, FRAMES).frames
    found = read_video(overlay)
    frames = [
        side_by_side(shown[number * len(shown) // FRAMES], found[number * len(found) // FRAMES])
        for number in range(FRAMES)
    ]
    frames[0].save(
        output,
        save_all=True,
        append_images=frames[1:],
        duration=MILLISECONDS,
        loop=0,
        quality=QUALITY,
        method=6,
    )


def main() -> int:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('demonstration', type=Path)
    parser.add_argument('overlay', type=Path)
    parser.add_argument('output', type=Path)
    arguments = parser.parse_args()
    animate(arguments.demonstration, arguments.overlay, arguments.output)
    return 0


if __name__ == '__main__':
    sys.exit(main())
