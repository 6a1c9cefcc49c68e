# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer simulate`, and the layouts to which they belong, with defaults."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afformer_core.cli.options.path_options import INPUT_FOLDER, OUTPUT_FILE, OUTPUT_FOLDER

BAG = 'rgbd-bag'
CLOSED_LOOP = 'closed-loop'
ROBOT_BENCHMARKS = 'robot-benchmarks'

# Options of each layout besides OUT, --split, --seed and --families.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    'opra': {
        'processes': 1,
        'scenes': 2100,
        'demonstrations': 3,
        'performances': 1,
        'targets': 3,
        'frames': 8,
        'rate': 4.0,
        'longest_side': 256,
        'hand': 'capsules',
        'renderer': 'classic',
        'robots': 0.0,
    },
    'photographs': {
        'processes': 1,
        'scenes': 1000,
        'photographs': None,
        'demonstrations': 2,
        'targets': 2,
        'frames': 8,
        'rate': 4.0,
        'longest_side': 256,
    },
    'assistq': {
        'processes': 1,
        'scenes': 100,
        'demonstrations': 4,
        'targets': 1,
        'seconds': 3.0,
        'rate': 4.0,
        'longest_side': 256,
    },
    'hands': {
        'processes': 1,
        'scenes': 1000,
        'demonstrations': 2,
        'longest_side': 256,
    },
    'long-videos': {
        'processes': 1,
        'scenes': 2,
        'videos': 10,
        'seconds': 60.0,
        'rate': 8.0,
        'longest_side': 256,
    },
    ROBOT_BENCHMARKS: {
        'processes': 1,
        'scenes': 6,
        'frames': 24,
        'rate': 8.0,
        'longest_side': 448,
        'hand': 'mesh',
    },
    BAG: {
        'seconds': 4.0,
        'size': (640, 480),
        'images': 'rgb8',
        'depth': '16UC1',
        'storage': 'mcap',
    },
    CLOSED_LOOP: {
        'scenes': 100,
        'demonstrations': 2,
        'performances': 1,
        'targets': 2,
        'frames': 8,
        'longest_side': 256,
        'size': (640, 480),
        'noise': 0.005,
        'backend': 'auto',
        'precision': 'auto',
        'threads': 0,
        'maximum_stages': None,
    },
}
LAYOUTS = tuple(layout for layout in DEFAULTS if layout not in (BAG, CLOSED_LOOP))

_HELP = {
    'processes': (int, 'number of rendering processes'),
    'scenes': (
        int,
        'number of scenes; for long-videos, the largest number in each video; for '
        'robot-benchmarks, of each family',
    ),
    'demonstrations': (
        int,
        'demonstrations of a scene, of different elements as long as there are any',
    ),
    'performances': (
        int,
        'clips of a demonstration, of the same action by other people, from other sides; for '
        'closed-loop, grounded together',
    ),
    'targets': (
        int,
        "target views of a scene; for assistq, users' images; for closed-loop, the robot's "
        'views of a demonstration',
    ),
    'frames': (int, 'frames of a clip'),
    'rate': (float, 'frames per second of a clip or video'),
    'longest_side': (int, 'longest side of the images, in pixels'),
    'robots': (float, 'share of the target views with a robot arm in them'),
    'renderer': (str, 'classic, or filament: physically based, for hands of meshes'),
    'hand': (str, 'hand of capsules, or mesh: skin, nails, sleeves, gloves and watches'),
    'videos': (int, 'number of videos'),
    'seconds': (
        float,
        'length of a demonstration (assistq), of a video (long-videos), or of the camera motion '
        '(--rgbd-bag)',
    ),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options; those whose default depends on the layout are None if not given."""
    parser.add_argument(
        'out', type=OUTPUT_FOLDER, nargs='?', metavar='OUT', help='folder to write'
    )
    parser.add_argument(
        '--layout', choices=LAYOUTS, default='opra', help='format of the dataset (default: opra)'
    )
    parser.add_argument('--split', help='name of the split (default: train; for hands, trainval)')
    parser.add_argument(
        '--seed', type=int, help="seed of everything random (default: the split's own)"
    )
    parser.add_argument(
        '--families',
        nargs='+',
        metavar='FAMILY',
        help='families of fixtures, drawn evenly; one named twice comes twice as often '
        "(default: the split's; for assistq, its panels; for robot-benchmarks, all of theirs)",
    )
    for name, (kind, text) in _HELP.items():
        parser.add_argument(
            f'--{name.replace("_", "-")}', type=kind, help=f'{text} ({_default_text(name)})'
        )
    parser.add_argument(
        '--photographs',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder of photographs, with all below it (default for photographs: those that '
        'scikit-image and scikit-learn carry)',
    )
    bag = parser.add_argument_group('an RGB-D rosbag instead of a dataset')
    bag.add_argument('--rgbd-bag', action='store_true', help='write OUT/bag')
    bag.add_argument(
        '--size', type=_size, help="size of its images, or the robot's (default: 640x480)"
    )
    bag.add_argument('--images', help='encoding of colour: rgb8 or jpeg (default: rgb8)')
    bag.add_argument('--depth', help='encoding of depth: 16UC1 or 32FC1 (default: 16UC1)')
    bag.add_argument('--storage', help='mcap or sqlite3 (default: mcap)')
    loop = parser.add_argument_group('a scripted finger that acts at the points of a model')
    loop.add_argument(
        '--closed-loop',
        type=INPUT_FOLDER,
        nargs='?',
        const=Path('shipped'),
        metavar='MODEL',
        help='model folder (default: the shipped model); only --json is written',
    )
    loop.add_argument(
        '--noise', type=float, help='noise of depth, as a share; 0: exact depth (default: 0.005)'
    )
    loop.add_argument('--json', type=OUTPUT_FILE, help='write the tables as JSON here')
    loop.add_argument('--backend', help='auto, torch, onnxruntime, cuda or tensorrt')
    loop.add_argument('--precision', help='auto, fp32, fp16, bf16 or int8')
    loop.add_argument('--threads', type=int, help='number of threads; 0: the backend chooses')
    loop.add_argument(
        '--maximum-stages',
        type=int,
        metavar='N',
        help='largest number of zoom stages of an image; 1: the whole image only (default: as '
        'many as the model was made for)',
    )


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the layout's options, with defaults for those that were not given.

    Raises:
        ValueError: an option that the layout does not have was given, or OUT is missing.
    """
    layout = layout_of(arguments)
    if (arguments.out is None) != (layout == CLOSED_LOOP):
        expected = 'needs OUT, a folder to write' if arguments.out is None else 'writes no OUT'
        raise ValueError(f'{_option(layout)} {expected}')
    if arguments.json is not None and layout != CLOSED_LOOP:
        raise ValueError(f'{_option(layout)} has no use for --json. Leave it out')
    defaults = DEFAULTS[layout]
    for name in {name for each in DEFAULTS.values() for name in each}:
        if getattr(arguments, name) is not None and name not in defaults:
            option = name.replace('_', '-')
            raise ValueError(f'{_option(layout)} has no use for --{option}. Leave it out')
    given = {name: getattr(arguments, name) for name in defaults}
    return {name: defaults[name] if value is None else value for name, value in given.items()}


def layout_of(arguments: argparse.Namespace) -> str:
    """Return the key of `DEFAULTS` that is asked for."""
    if arguments.closed_loop is not None:
        return CLOSED_LOOP
    return BAG if arguments.rgbd_bag else str(arguments.layout)


def _option(layout: str) -> str:
    """Return the option that asks for a layout."""
    return f'--{layout}' if layout in (BAG, CLOSED_LOOP) else f'--layout {layout}'


def _default_text(name: str) -> str:
    values = {layout: each[name] for layout, each in DEFAULTS.items() if name in each}
    if len(set(values.values())) == 1 and len(values) > 1:
        return f'default: {next(iter(values.values()))}'
    return 'default: ' + ', '.join(f'{value} for {layout}' for layout, value in values.items())


def _size(text: str) -> tuple[int, int]:
    width, separator, height = text.partition('x')
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size; expected one such as 640x480')
    return int(width), int(height)
