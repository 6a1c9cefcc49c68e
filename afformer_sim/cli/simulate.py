# SPDX-License-Identifier: Apache-2.0
"""`afformer simulate`: datasets of simulated demonstrations, RGB-D rosbags, and closed loops."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.engine_options import add_engine_options, engine_of
from afformer_core.cli.options.session_options import open_grounder
from afformer_core.files.inputs_kept import NamedPath, require_inputs_kept
from afformer_sim.cli.simulate_options import (
    CLOSED_LOOP,
    ROBOT_BENCHMARKS,
    add_options,
    layout_of,
    options_of,
)

if TYPE_CHECKING:
    from afformer_core.parallel.engine import ParallelEngine

_DESCRIPTION = """\
Render fixtures that a hand operates, as a dataset in one of these layouts:

  opra         clips of demonstrations, images of the same scenes from other cameras without
               the hand, and OUT/SPLIT.json
  photographs  the same, with a rendered hand that touches points of photographs; the image is the
               same photograph from elsewhere in other light
  assistq      a folder for each video, with several demonstrations, its script, users' images
               with the boxes of all elements, and questions with answers in OUT/SPLIT.json
  hands        images of hands with boxes, sides, contact and what they touch, as in 100DOH
  long-videos  videos with interactions now and then, without annotations
  robot-benchmarks
               pairs with outlined parts for `afformer evaluate --pairs`: fixtures of Meta-World
               and Franka Kitchen, from the models that their packages carry

The same command continues an interrupted run; the result does not depend on the number of
processes. The splits of the benchmark, train, validation, test-seen, test-unseen,
test-buttons and test-absent, have families, textures and seeds of their own.

With --closed-loop, nothing is rendered to files: a model grounds demonstrations in a robot's
colour and depth images, a scripted finger goes to the points that it finds, along their normals,
and presses, pulls, turns or lifts, and the state of the fixture afterwards is the result.

With --rgbd-bag, write instead a rosbag2 OUT/bag: a demonstration, then colour, depth and
camera_info of a camera that moves around the same scene at 0.5 to 1 m, with the annotations of
each image in OUT/annotations.json."""

_EXAMPLE = """\
examples:
  afformer simulate datasets/simulated --split train --scenes 2100 --processes 2
  afformer simulate datasets/simulated --split test-buttons --scenes 300 --processes 2
  afformer simulate datasets/own --layout photographs --photographs ~/Pictures --processes 2
  afformer simulate datasets/assistq --layout assistq --split train --processes 2
  afformer simulate datasets/hands --layout hands --split trainval --processes 2
  afformer simulate datasets/hands --layout hands --split test --scenes 100 --processes 2
  afformer simulate datasets/mining --layout long-videos --videos 50 --seconds 120 --processes 2
  afformer simulate datasets/benchmarks --layout robot-benchmarks --processes 2
  afformer simulate datasets/simulated --scenes 20000 --engine ray --address auto --processes 64
  afformer simulate recordings/panel --rgbd-bag --seed 7 --seconds 4
  afformer simulate --closed-loop models/sim_small --scenes 100 --noise 0"""


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
    """Render what the arguments describe; returns 0 when it is complete."""
    options = options_of(arguments)
    if layout_of(arguments) == CLOSED_LOOP:
        return _close_loop(arguments, options)
    if arguments.rgbd_bag:
        return _write_bag(arguments, options)
    if arguments.layout == ROBOT_BENCHMARKS:
        return _write_part_pairs(arguments, options)
    return _write_dataset(arguments, options)


def _close_loop(arguments: argparse.Namespace, options: dict[str, Any]) -> int:
    import json

    from tqdm import tqdm

    from afformer_core.files.atomic import write_aside
    from afformer_core.runtime.shipped_model import model_folder
    from afformer_sim.closed_loop.benchmark import closed_loop_trials
    from afformer_sim.closed_loop.report import build_closed_loop_report
    from afformer_sim.closed_loop.settings import ClosedLoopSettings
    from afformer_sim.scene.scene_settings import split_named

    split = split_named(arguments.split or 'test-seen')
    settings = ClosedLoopSettings(
        scenes=options['scenes'],
        families=tuple(arguments.families or split.families),
        held_out=split.held_out,
        demonstrations=options['demonstrations'],
        performances=options['performances'],
        views=options['targets'],
        frames=options['frames'],
        longest_side=options['longest_side'],
        size=options['size'],
        noise=options['noise'],
        **({} if arguments.seed is None else {'seed': arguments.seed}),
    )
    folder = model_folder(arguments.closed_loop)
    grounder = open_grounder(folder, argparse.Namespace(**options))
    trials = list(
        tqdm(
            closed_loop_trials(grounder, settings),
            total=settings.trials,
            unit='trial',
            desc='operating',
        )
    )
    report = build_closed_loop_report(
        trials, settings, {'model': str(folder), 'backend': grounder.backend}
    )
    print(report.to_markdown(), flush=True)
    if arguments.json is not None:
        write_aside(arguments.json, (json.dumps(report.to_json(), indent=2) + '\n').encode())
    return 0


def _write_bag(arguments: argparse.Namespace, options: dict[str, Any]) -> int:
    from tqdm import tqdm

    from afformer_sim.datasets.rgbd_bag import write_rgbd_bag
    from afformer_sim.datasets.rgbd_settings import RgbdBagSettings

    settings = RgbdBagSettings(
        seed=1 if arguments.seed is None else arguments.seed,
        family=_only(arguments.families),
        size=options['size'],
        seconds=options['seconds'],
        image_encoding=options['images'],
        depth_encoding=options['depth'],
        storage=options['storage'],
    )
    with tqdm(total=round(settings.seconds * settings.rate), unit='image') as bar:
        for done in write_rgbd_bag(arguments.out, settings):
            bar.update(done - bar.n)
    return 0


def _only(families: list[str] | None) -> str:
    """Return the only family, which a bag shows.

    Raises:
        ValueError: several are named.
    """
    if families is None:
        return 'control_panel'
    if len(families) != 1:
        raise ValueError(f'--families are {", ".join(families)}; a bag shows one family')
    return families[0]


def _write_part_pairs(arguments: argparse.Namespace, options: dict[str, Any]) -> int:
    from tqdm import tqdm

    from afformer_sim.datasets.part_pairs_writer import PartPairsSettings, write_part_pairs

    if arguments.split is not None:
        raise ValueError(f'--layout {ROBOT_BENCHMARKS} has no use for --split. Leave it out')
    engine = engine_of(arguments, options.pop('processes'))
    if arguments.families is not None:
        options['families'] = tuple(arguments.families)
    settings = PartPairsSettings(8 if arguments.seed is None else arguments.seed, **options)
    with tqdm(total=settings.pairs, unit='pair') as bar:
        for done in write_part_pairs(arguments.out, settings, engine):
            bar.update(done - bar.n)
    return 0


def _write_dataset(arguments: argparse.Namespace, options: dict[str, Any]) -> int:
    from tqdm import tqdm

    layout = arguments.layout
    engine = engine_of(arguments, options.pop('processes'))
    counted = 'videos' if layout == 'long-videos' else 'scenes'
    total = options[counted]
    unit = 'video' if layout in ('assistq', 'long-videos') else 'scene'
    with tqdm(total=total, unit=unit) as bar:
        for done in _progress(arguments, options, engine):
            bar.update(done - bar.n)
    return 0


def _progress(
    arguments: argparse.Namespace, options: dict[str, Any], engine: ParallelEngine
) -> Iterator[int]:
    """Write a dataset; yields the number of finished parts."""
    from afformer_sim.datasets.assistq_writer import (
        AssistqSettings,
        panel_families,
        write_assistq,
    )
    from afformer_sim.datasets.dataset_writer import DatasetSettings, write_dataset
    from afformer_sim.datasets.hands_writer import HandsSettings, write_hands
    from afformer_sim.datasets.long_video_writer import LongVideoSettings, write_long_videos
    from afformer_sim.datasets.photograph_writer import PhotographSettings, write_photographs
    from afformer_sim.scene.scene_settings import split_named

    layout, folder = arguments.layout, arguments.out
    name = arguments.split or ('trainval' if layout == 'hands' else 'train')
    # 100DOH's name of the training split
    split = split_named('train' if name == 'trainval' else name)
    families = panel_families(split.families) if layout == 'assistq' else split.families
    scenes: dict[str, Any] = {
        'seed': split.seed if arguments.seed is None else arguments.seed,
        'families': tuple(arguments.families or families),
        'held_out': split.held_out,
    }
    if layout == 'photographs':
        if (photographs := options['photographs']) is not None:
            read = [NamedPath(photographs, '--photographs')]
            require_inputs_kept([NamedPath(folder / 'images', 'OUT/images', True)], read)
        settings = PhotographSettings(scenes['seed'], held_out=split.held_out, **options)
        return write_photographs(folder, name, settings, engine)
    if layout == 'assistq':
        options['images'] = options.pop('targets')
        return write_assistq(folder, name, AssistqSettings(**scenes, **options), engine)
    if layout == 'hands':
        return write_hands(folder, name, HandsSettings(**scenes, **options), engine)
    if layout == 'long-videos':
        return write_long_videos(folder, name, LongVideoSettings(**scenes, **options), engine)
    return write_dataset(folder, name, DatasetSettings(**scenes, **options), engine)
