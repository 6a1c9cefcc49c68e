# SPDX-License-Identifier: Apache-2.0
"""`afformer simulate`: render a dataset of simulated demonstrations, or an RGB-D rosbag."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Render appliances that a hand operates, in OPRA's form: clips of demonstrations, pictures of the
same appliances from other cameras without the hand, and OUT/SPLIT.json. A run that was
interrupted is continued by the same command.

With --rgbd-bag, write instead a rosbag2 OUT/bag: a demonstration, then colour, depth and
camera_info of a camera that moves around the same appliance at 0.5 to 1 m, with the truth of each
image in OUT/annotations.json."""

_EXAMPLE = """\
example:
  afformer simulate datasets/simulated --split train --appliances 2100 --seed 1 --processes 2
  afformer simulate recordings/panel --rgbd-bag --seed 7 --seconds 4"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to `argparse`'s subparsers."""
    parser = subparsers.add_parser(
        'simulate',
        help='render a dataset of simulated demonstrations',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write')
    parser.add_argument('--split', default='train', help='name of the split (default: train)')
    parser.add_argument(
        '--appliances', type=int, default=2100, help='how many appliances (default: 2100)'
    )
    parser.add_argument('--seed', type=int, default=1, help='of everything (default: 1)')
    parser.add_argument(
        '--processes', type=int, default=1, help='how many render at once (default: 1)'
    )
    parser.add_argument(
        '--demonstrations',
        type=int,
        default=3,
        help='clips of an appliance, each of another element (default: 3)',
    )
    parser.add_argument(
        '--targets', type=int, default=3, help='target views of an appliance (default: 3)'
    )
    parser.add_argument('--frames', type=int, default=8, help='frames of a clip (default: 8)')
    parser.add_argument(
        '--rate', type=float, default=4.0, help='frames per second of a clip (default: 4)'
    )
    parser.add_argument(
        '--longest-side',
        type=int,
        default=256,
        help='longest side of the pictures, in pixels (default: 256)',
    )
    _add_bag_options(parser)
    parser.set_defaults(run=run)


def _add_bag_options(parser: argparse.ArgumentParser) -> None:
    bag = parser.add_argument_group('an RGB-D rosbag instead of a dataset')
    bag.add_argument('--rgbd-bag', action='store_true', help='write OUT/bag')
    bag.add_argument(
        '--seconds', type=float, default=4.0, help='that the camera moves (default: 4)'
    )
    bag.add_argument(
        '--size', type=_size, default=(640, 480), help='of its images (default: 640x480)'
    )
    bag.add_argument(
        '--images', default='rgb8', help='encoding of colour: rgb8 or jpeg (default: rgb8)'
    )
    bag.add_argument(
        '--depth', default='16UC1', help='encoding of depth: 16UC1 or 32FC1 (default: 16UC1)'
    )
    bag.add_argument('--storage', default='mcap', help='mcap or sqlite3 (default: mcap)')


def _size(text: str) -> tuple[int, int]:
    width, separator, height = text.partition('x')
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size such as 640x480')
    return int(width), int(height)


def run(arguments: argparse.Namespace) -> int:
    """Render what the arguments describe; 0 when it is complete."""
    return _write_bag(arguments) if arguments.rgbd_bag else _write_dataset(arguments)


def _write_bag(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from afformer_core.sim.rgbd_bag import write_rgbd_bag
    from afformer_core.sim.rgbd_plan import RgbdBagPlan

    plan = RgbdBagPlan(
        seed=arguments.seed,
        size=arguments.size,
        seconds=arguments.seconds,
        image_encoding=arguments.images,
        depth_encoding=arguments.depth,
        storage=arguments.storage,
    )
    with tqdm(total=round(plan.seconds * plan.rate), unit='image') as bar:
        for done in write_rgbd_bag(arguments.out, plan):
            bar.update(done - bar.n)
    return 0


def _write_dataset(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from afformer_core.sim.dataset_writer import DatasetPlan, write_dataset

    if arguments.processes < 1:
        raise ValueError(f'--processes must be at least 1, not {arguments.processes}')
    plan = DatasetPlan(
        seed=arguments.seed,
        appliances=arguments.appliances,
        demonstrations=arguments.demonstrations,
        targets=arguments.targets,
        frames=arguments.frames,
        rate=arguments.rate,
        longest_side=arguments.longest_side,
    )
    with tqdm(total=plan.appliances, unit='appliance') as bar:
        for done in write_dataset(arguments.out, arguments.split, plan, arguments.processes):
            bar.update(done - bar.n)
    return 0
