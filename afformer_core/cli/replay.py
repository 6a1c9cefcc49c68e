# SPDX-License-Identifier: Apache-2.0
"""`afformer replay`: results of the grounding node for a rosbag, without ROS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.path_options import (
    INPUT_FILE,
    INPUT_FOLDER,
    INPUT_NAME,
    INPUT_PATH,
    OUTPUT_FOLDER,
)
from afformer_core.cli.options.session_options import add_session_options, open_grounder

_DESCRIPTION = """\
Replay a rosbag2 (sqlite3 or mcap) through the code of the grounding node, without
ROS and as fast as possible. The output folder contains overlay.mp4,
groundings.csv and summary.json."""

_EXAMPLE = """\
examples:
  afformer simulate recordings/panel --rgbd-bag --seed 7
  afformer replay recordings/panel/bag --annotations recordings/panel/annotations.json \\
      --output replays/panel
  afformer replay kitchen.mcap --image-topic /camera/color/image_raw --demonstration press.mp4 \\
      --output replays/kitchen"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'ground the images of a rosbag and measure the results'
    parser = add_command(subparsers, 'replay', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'bag', type=INPUT_PATH, metavar='BAG', help='folder of a rosbag2, or an mcap file'
    )
    parser.add_argument('--output', type=OUTPUT_FOLDER, required=True, help='new folder to write')
    _add_topics(
        parser.add_argument_group('topics', 'Needed only if the bag has several candidates.')
    )
    _add_demonstration(parser.add_argument_group('demonstration'))
    group = parser.add_argument_group(
        'grounding', 'These options correspond to the parameters of the node.'
    )
    _add_settings(group)
    parser.add_argument(
        '--annotations', type=INPUT_FILE, metavar='FILE',
        help='JSON file with annotations of the images, with which results are compared',
    )  # fmt: skip
    parser.add_argument(
        '--from', type=float, default=0.0, dest='start', metavar='S',
        help='start of the images, in seconds from the start of the bag (default: 0)',
    )  # fmt: skip
    parser.add_argument(
        '--to', type=float, dest='end', metavar='S',
        help='end of the images, in seconds from the start of the bag (default: the end)',
    )  # fmt: skip


def _add_topics(group: Any) -> None:
    group.add_argument(
        '--image-topic', metavar='TOPIC', help='camera images in which to ground the demonstration'
    )
    group.add_argument(
        '--demonstration-topic', metavar='TOPIC', help='images to record as the demonstration'
    )
    group.add_argument('--depth-topic', metavar='TOPIC', help="depth images; '': none")
    group.add_argument(
        '--camera-info-topic', metavar='TOPIC', help="calibration of the camera; '': none"
    )


def _add_demonstration(group: Any) -> None:
    group.add_argument(
        '--demonstration', type=INPUT_NAME, action='append', default=[], metavar='FILE|NAME',
        help='demonstration, instead of a topic: a video, a part of a video such as '
        'VIDEO#t=1.5,3 (seconds), a folder of images, or the name of a stored demonstration; '
        'repeat the option to ground several together',
    )  # fmt: skip
    group.add_argument(
        '--store', type=INPUT_FOLDER, metavar='FOLDER', help='folder of stored demonstrations'
    )
    group.add_argument(
        '--demonstration-from', type=float, default=0.0, metavar='S',
        help='start of the demonstration, in seconds from the start of the bag (default: 0)',
    )  # fmt: skip
    group.add_argument(
        '--demonstration-to', type=float, metavar='S',
        help='end of the demonstration, in seconds from the start of the bag (default: the end)',
    )  # fmt: skip
    group.add_argument(
        '--whole',
        action='store_true',
        help='keep the whole demonstration instead of trimming it to the part with hands or '
        'motion',
    )
    add_model(group)
    add_session_options(group)


def _add_settings(group: Any) -> None:

    for name, (default, description) in _settings().items():
        group.add_argument(
            '--' + name.replace('_', '-'),
            type=type(default),
            default=default,
            metavar='NAME' if isinstance(default, str) else 'N',
            help=f'{description} (default: {default!r})',
        )
    group.add_argument(
        '--depth-wait', type=float, default=0.2, metavar='S',
        help='maximum seconds to read ahead for the depth of an image (default: 0.2)',
    )  # fmt: skip
    group.add_argument(
        '--image-rectification', default='auto', choices=('auto', 'rectified', 'distorted'),
        help='rectification of the images; auto: rectified if the name of the image topic '
        'contains image_rect (default: auto)',
    )  # fmt: skip


def _settings() -> dict[str, tuple[Any, str]]:
    """Return default and description of each setting of the node that concerns a replay."""
    from afformer_core.settings import constraints_of
    from afformer_core.stream.settings import PipelineSettings, StreamSettings

    names = (*constraints_of(StreamSettings), 'overlay_opacity', 'depth_tolerance')
    constraints = constraints_of(PipelineSettings)
    return {
        name: (getattr(PipelineSettings, name), constraints[name].description) for name in names
    }


def run(arguments: argparse.Namespace) -> int:
    """Replay the bag; return 0 when the folder is complete."""
    from afformer_core.demonstrations.media import split_topic
    from afformer_core.media.bag import Bag, BagExtract
    from afformer_core.replay.replay import result_folder
    from afformer_core.replay.topics import choose_topics

    for source in arguments.demonstration if arguments.store is None else ():
        if not split_topic(Path(source))[0].exists():
            raise ValueError(f'{source} does not exist. Give --store FOLDER for a stored one')
    window = BagExtract(arguments.start, arguments.end)
    with (
        Bag(arguments.bag) as bag,
        result_folder(arguments.output) as folder,
    ):
        demonstration_topic = arguments.demonstration_topic
        if arguments.demonstration and demonstration_topic is None:
            demonstration_topic = ''
        topics = choose_topics(
            bag.topics,
            arguments.image_topic,
            demonstration_topic,
            arguments.depth_topic,
            arguments.camera_info_topic,
        )
        summary = _replay(arguments, bag, topics, window, folder)
    found = summary['states'].get('found', 0) + summary['states'].get('held', 0)
    print(
        f'{arguments.output}: found in {found} of {summary["images"]} images, '
        f'{summary["positions"]} with a point'
    )
    return 0


def _replay(
    arguments: argparse.Namespace, bag: Any, topics: Any, window: Any, folder: Path
) -> Any:
    from tqdm import tqdm

    from afformer_core.geometry.camera import is_rectified
    from afformer_core.replay.annotations import read_annotations
    from afformer_core.replay.replay import ReplayRequest, write_replay
    from afformer_core.stream.settings import PipelineSettings

    annotations = read_annotations(arguments.annotations) if arguments.annotations else None
    settings = PipelineSettings(**{name: getattr(arguments, name) for name in _settings()})
    rectified = is_rectified(arguments.image_rectification, topics.image)
    demonstrations = _demonstrations(arguments, bag, topics)
    facts = {
        'bag': str(arguments.bag),
        'image topic': topics.image,
        'demonstration topic': topics.demonstration or 'none',
        'depth topic': topics.depth or 'none',
        'camera_info topic': topics.camera_info or 'none',
        'demonstration': '; '.join(demonstrations.accounts.values()),
        'model': str(arguments.model or 'the shipped one'),
        'backend': demonstrations.grounder.backend,
        'images are': 'rectified' if rectified else 'distorted',
        'settings': ', '.join(f'{name} {getattr(settings, name)}' for name in _settings()),
    }
    request = ReplayRequest(
        topics=topics,
        demonstration=demonstrations.selected,
        window=window,
        settings=settings,
        annotations=annotations,
        calibration=demonstrations.grounder.calibrations.presence,
        facts=facts,
        rectified=rectified,
        depth_wait=arguments.depth_wait,
    )
    with tqdm(total=bag.count(topics.image), unit='image', desc='replay') as bar:
        return write_replay(
            bag, request, demonstrations.predict, folder, lambda done: bar.update(done - bar.n)
        )


def _demonstrations(arguments: argparse.Namespace, bag: Any, topics: Any) -> Any:
    """Record or read the demonstrations to ground."""
    from afformer_core.demonstrations.media import split_topic
    from afformer_core.demonstrations.store import DemonstrationStore
    from afformer_core.media.bag import BagExtract
    from afformer_core.replay.demonstrations import ReplayDemonstrations

    grounder = open_grounder(arguments.model, arguments)
    demonstrations = ReplayDemonstrations(grounder, trim=not arguments.whole)
    if topics.demonstration:
        window = BagExtract(arguments.demonstration_from, arguments.demonstration_to)
        demonstrations.record(bag, topics.demonstration, window)
    for source in arguments.demonstration:
        if split_topic(Path(source))[0].exists():
            demonstrations.add_file(Path(source))
        else:
            demonstrations.add_stored(DemonstrationStore(arguments.store), source)
    return demonstrations
