#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A demonstration and an image, two files, to actions, peaks and an overlay.

Run it with::

    python examples/ground_two_files.py press.mp4 panel.jpg overlay.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import read_video
from afformer_core.outputs.grounding_overlay import draw_single_grounding
from afformer_core.runtime import ArrayGrounder, shipped_model_folder


def main() -> None:
    """Ground the video in the image and print what is found there."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('video', type=Path, help='the demonstration')
    parser.add_argument('image', type=Path, help='where to act')
    parser.add_argument('overlay', type=Path, help='a jpg or png file to write')
    arguments = parser.parse_args()

    grounder = ArrayGrounder.load(shipped_model_folder())
    # A demonstration is encoded once; each image after it costs milliseconds.
    grounder.set_demonstration(read_video(arguments.video), 'demonstration')

    image = read_image(arguments.image)  # uint8 RGB [H, W, 3]
    grounding = grounder.ground(image, 'demonstration')

    for action, score in grounding.action_scores.items():  # best first
        print(f'{action}: {score:.2f}')
    for peak in grounding.peaks:
        print(f'peak at ({peak.u:.0f}, {peak.v:.0f}), score {peak.score:.2f}')
    write_image(arguments.overlay, draw_single_grounding(image, grounding, opacity=0.6))


if __name__ == '__main__':
    main()
