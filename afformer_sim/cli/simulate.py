# SPDX-License-Identifier: Apache-2.0
"""`afformer simulate`: datasets of simulated demonstrations and RGB-D rosbags."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from afformer_core.cli.options.engine_options import add_engine_options, engine_of
from afformer_core.cli.options.path_options import INPUT_FOLDER, OUTPUT_FOLDER
from afformer_core.files.paths import require_inputs_kept
from afformer_sim.datasets.layouts import LAYOUTS, write_scenes
from afformer_sim.scene.scene import split_named

BAG = 'rgbd-bag'

# Options of each layout besides OUT, --split, --seed and --families, with their defaults.
_GIVEN = ('seed', 'families', 'held_out')
DEFAULTS: dict[str, dict[str, Any]] = {
    layout: {'processes': 1}
    | {field.name: field.default for field in fields(kind) if field.name not in _GIVEN}
    for layout, kind in LAYOUTS.items()
} | {BAG: {'seconds': 4.0, 'size': (640, 480)}}

_HELP = {
    'processes': (int, 'number of rendering processes'),
    'scenes': (int, 'number of scenes'),
    'demonstrations': (
        int,
        'demonstrations of a scene, of different elements as long as there are any',
    ),
    'performances': (
        int,
        'clips of a demonstration, of the same action by other people, from other sides',
    ),
    'targets': (int, 'target views of a scene'),
    'frames': (int, 'frames of a clip'),
    'rate': (float, 'frames per second of a clip or video'),
    'longest_side': (int, 'longest side of the images, in pixels'),
    'hand': (str, 'hand of capsules, or mesh: skin, nails, sleeves, gloves and watches'),
    'seconds': (float, 'length of the camera motion of --rgbd-bag'),
}

_DESCRIPTION = """\
Render fixtures that a hand operates, as a dataset in one of these layouts:

  opra         clips of demonstrations, images of the same scenes from other cameras without
               the hand, and OUT/SPLIT.json
  photographs  the same, with a rendered hand that touches points of photographs; the image is the
               same photograph from elsewhere in other light
  hands        images of hands with boxes, sides, contact and what they touch, as in 100DOH

The same command continues an interrupted run; the result does not depend on the number of
processes. The splits of the benchmark, train, validation, test-seen, test-unseen,
test-buttons and test-absent, have families, textures and seeds of their own.

With --rgbd-bag, write instead a rosbag2 OUT/bag: a demonstration, then colour, depth and
camera_info of a camera that moves around the same scene at 0.5 to 1 m, with the annotations of
each image in OUT/annotations.json."""

_EXAMPLE = """\
examples:
  afformer simulate datasets/simulated --split train --scenes 2100 --processes 2
  afformer simulate datasets/simulated --split test-buttons --scenes 300 --processes 2
  afformer simulate datasets/own --layout photographs --photographs ~/Pictures --processes 2
  afformer simulate datasets/hands --layout hands --split trainval --processes 2
  afformer simulate datasets/hands --layout hands --split test --scenes 100 --processes 2
  afformer simulate datasets/simulated --scenes 20000 --engine ray --address auto --processes 64
  afformer simulate recordings/panel --rgbd-bag --seed 7 --seconds 4"""


# Number of parts of a dataset or a bag, their unit, and the number of parts written so far.
_Progress = tuple[int, str, Iterator[int]]


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'simulate',
        help='render a dataset of simulated demonstrations',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render the requested dataset or bag; return 0 when it is complete."""
    from tqdm import tqdm

    options = options_of(arguments)
    total, unit, progress = (_bag if arguments.rgbd_bag else _dataset)(arguments, options)
    with tqdm(total=total, unit=unit) as bar:
        for done in progress:
            bar.update(done - bar.n)
    return 0


def _bag(arguments: argparse.Namespace, options: dict[str, Any]) -> _Progress:
    from afformer_sim.datasets.rgbd_bag import RATE, RgbdBagSettings, write_rgbd_bag

    families = arguments.families or ['control_panel']
    if len(families) != 1:
        raise ValueError(f'--families are {", ".join(families)}; a bag shows one family')
    seed = 1 if arguments.seed is None else arguments.seed
    settings = RgbdBagSettings(seed=seed, family=families[0], **options)
    return round(settings.seconds * RATE), 'image', write_rgbd_bag(arguments.out, settings)


def _dataset(arguments: argparse.Namespace, options: dict[str, Any]) -> _Progress:
    engine = engine_of(arguments, options.pop('processes'))
    layout, folder = arguments.layout, arguments.out
    name = arguments.split or ('trainval' if layout == 'hands' else 'train')
    # 100DOH's name of the training split
    split = split_named('train' if name == 'trainval' else name)
    scenes: dict[str, Any] = {
        'seed': split.seed if arguments.seed is None else arguments.seed,
        'held_out': split.held_out,
    }
    if layout != 'photographs':
        scenes['families'] = tuple(arguments.families or split.families)
    elif (photographs := options['photographs']) is not None:
        read = [('--photographs', photographs)]
        require_inputs_kept([('OUT/images', folder / 'images')], read)
    settings = LAYOUTS[layout](**scenes, **options)
    return settings.scenes, 'scene', write_scenes(folder, name, settings, engine)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options; those whose default depends on the layout are None if not given."""
    parser.add_argument('out', type=OUTPUT_FOLDER, metavar='OUT', help='folder to write')
    parser.add_argument(
        '--layout', choices=LAYOUTS, default='opra', help='format of the dataset (default: opra)'
    )
    parser.add_argument('--split', help='name of the split (default: train; for hands, trainval)')
    parser.add_argument('--seed', type=int, help='random seed (default: that of the split)')
    parser.add_argument(
        '--families',
        nargs='+',
        metavar='FAMILY',
        help='families of fixtures, drawn evenly; a family that is named twice is drawn twice as '
        'often (default: those of the split)',
    )
    for name, (kind, text) in _HELP.items():
        parser.add_argument(
            f'--{name.replace("_", "-")}', type=kind, help=f'{text} ({_default_text(name)})'
        )
    parser.add_argument(
        '--photographs',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder of photographs, searched recursively (default for photographs: those of '
        'scikit-image and scikit-learn)',
    )
    bag = parser.add_argument_group('an RGB-D rosbag instead of a dataset')
    bag.add_argument('--rgbd-bag', action='store_true', help='write OUT/bag')
    bag.add_argument('--size', type=_size, help='size of the images (default: 640x480)')


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the layout's options, with defaults for those that were not given.

    Raises:
        ValueError: an option that the layout does not have was given.
    """
    layout = BAG if arguments.rgbd_bag else str(arguments.layout)
    defaults = DEFAULTS[layout]
    for name in {name for options in DEFAULTS.values() for name in options}:
        if getattr(arguments, name) is not None and name not in defaults:
            option = name.replace('_', '-')
            asked = f'--{layout}' if layout == BAG else f'--layout {layout}'
            raise ValueError(f'{asked} does not use --{option}. Leave it out')
    given = {name: getattr(arguments, name) for name in defaults}
    return {name: defaults[name] if value is None else value for name, value in given.items()}


def _default_text(name: str) -> str:
    values = {layout: options[name] for layout, options in DEFAULTS.items() if name in options}
    if len(set(values.values())) == 1 and len(values) > 1:
        return f'default: {next(iter(values.values()))}'
    return 'default: ' + ', '.join(f'{value} for {layout}' for layout, value in values.items())


def _size(text: str) -> tuple[int, int]:
    width, separator, height = text.partition('x')
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size; expected one such as 640x480')
    return int(width), int(height)
