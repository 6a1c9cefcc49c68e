# SPDX-License-Identifier: Apache-2.0
"""`afformer synthesize`: an image of the pre-training examples made from mined clips."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.command import add_command
from afformer_core.cli.options.path_options import INPUT_FILE, OUTPUT_FILE

_DESCRIPTION = """\
Draw the examples of the first steps of pre-training. Each target image has a row
with three frames of the clip, the image without hands, and the target heatmap."""

_EXAMPLE = """examples:
  afformer synthesize -c config/train/maskahand/simulated.yaml --output examples.png
  afformer synthesize -c config/train/maskahand/simulated.yaml \\
      -c config/train/ablations/beyond_the_paper/maskahand_no_mask.yaml \\
      --clips 8 --output examples.png
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'draw pre-training examples made from mined clips'
    parser = add_command(subparsers, 'synthesize', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        '-c',
        '--config',
        type=INPUT_FILE,
        action='append',
        required=True,
        help='configuration of `afformer train`; repeat the option for several files, of which '
        'later ones override earlier ones',
    )
    parser.add_argument(
        '--output', type=OUTPUT_FILE, required=True, help='PNG or JPEG file to write'
    )
    parser.add_argument('--clips', type=int, default=4, help='number of clips (default: 4)')
    parser.add_argument(
        '--side', type=int, default=192, help='side of each square image, in pixels (default: 192)'
    )
    parser.add_argument(
        '--seed', type=int, help='seed of the examples (default: the seed of the configuration)'
    )


def run(arguments: argparse.Namespace) -> int:
    """Draw the examples, and write the image."""
    from afformer_core.media.images import require_image_path, write_image
    from afformer_core.offline.training.command import read_configuration

    require_image_path(arguments.output)
    for path in arguments.config:
        read_configuration(path)
    for name in ('clips', 'side'):
        if getattr(arguments, name) < 1:
            raise ValueError(f'--{name} is {getattr(arguments, name)}; expected at least 1')
    from afformer_core.offline.maskahand.pretraining.configured_data import configured_data
    from afformer_core.offline.maskahand.pretraining.pretraining_dataset import example_grid

    data = configured_data(arguments.config, arguments.seed)
    examples = data.first_examples(arguments.clips)
    write_image(arguments.output, example_grid(examples, arguments.side))
    with_hands = sum(len(clip.interactions) for clip in data.clips)
    hand_free = sum(len(clip.hand_free) for clip in data.clips)
    print(
        f'{arguments.output}: {len(examples)} of {len(data.clips)} clips. In total, targets are '
        f'from {with_hands} frames with hands in contact and {hand_free} frames before a '
        'hand appears'
    )
    return 0
