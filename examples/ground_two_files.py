#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ground the video of a demonstration in an image, and write an overlay.

Run it with::

    python examples/ground_two_files.py press.mp4 panel.jpg overlay.png
"""

from __future__ import annotations

import argparse

from afformer_core import Grounder


def main() -> None:
    """Ground the video in the image, and print actions and peaks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('video', help='demonstration: a video, a folder of images or a bag')
    parser.add_argument('image', help='image in which to find the point')
    parser.add_argument('overlay', help='JPEG or PNG file to write')
    arguments = parser.parse_args()

    grounder = Grounder.load()
    # A demonstration is encoded once; each image then takes milliseconds.
    grounder.set_demonstration(arguments.video)
    grounding = grounder.ground(arguments.image)

    print(grounding)
    for action, score in grounding.action_scores.items():  # best first
        print(f'{action}: {score:.2f}')
    for peak in grounding.peaks:
        print(f'peak at ({peak.u:.0f}, {peak.v:.0f}), score {peak.score:.2f}')
    grounding.save(arguments.overlay)


if __name__ == '__main__':
    main()
