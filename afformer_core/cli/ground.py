# SPDX-License-Identifier: Apache-2.0
"""`afformer ground`: ground a video in an image, without ROS."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from afformer_core.cli.session_options import add_session_options, open_grounder

_EXAMPLE = """example:
  afformer ground --video press.mp4 --image panel.jpg --output overlay.png
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'ground',
        help='ground a video in an image',
        description='Prints actions, peaks and confidence as one JSON object.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--video', type=Path, required=True, help='the demonstration')
    parser.add_argument('--image', type=Path, required=True, help='where to act')
    parser.add_argument('--model', type=Path, help='model folder (default: the shipped)')
    add_session_options(parser)
    parser.add_argument('--output', type=Path, help='write the image under its heatmap here')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ground and print."""
    import cv2

    from afformer_core.data.video import read_video
    from afformer_core.errors import ImageError

    picture = cv2.imread(str(arguments.image), cv2.IMREAD_COLOR)
    if picture is None:
        raise ImageError(f'{arguments.image} cannot be read as an image; give a jpg or png file')
    grounder = open_grounder(arguments.model, arguments)
    frames = read_video(arguments.video, grounder.configuration.maximum_frames)
    grounder.set_demonstration(frames, 'video')
    image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    start = time.perf_counter()
    grounding = grounder.ground(image, 'video')
    milliseconds = 1e3 * (time.perf_counter() - start)
    peaks = [{'u': peak.u, 'v': peak.v, 'score': peak.score} for peak in grounding.peaks]
    result = {
        'actions': dict(grounding.action_scores), 'peaks': peaks,
        'confidence': grounding.confidence, 'milliseconds': milliseconds,
        'backend': grounder.backend,
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    if arguments.output is not None:
        shades = cv2.applyColorMap(_to_shades(grounding.heatmap), cv2.COLORMAP_VIRIDIS)
        blended = cv2.addWeighted(picture, 0.5, shades, 0.5, 0)
        if not cv2.imwrite(str(arguments.output), blended):
            raise OSError(f'{arguments.output} cannot be written; check its folder and ending')
    return 0


def _to_shades(heatmap: Any) -> Any:
    import numpy as np

    return np.round(255 * heatmap / heatmap.max()).astype(np.uint8)
