# SPDX-License-Identifier: Apache-2.0
"""`afformer replay`: results of the grounding node for a rosbag, without ROS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from afformer_core.cli.options.path_options import (
    INPUT_FILE,
    INPUT_FOLDER,
    INPUT_NAME,
    INPUT_PATH,
    OUTPUT_FOLDER,
    input_paths,
)
from afformer_core.cli.options.session_options import add_session_options, open_grounder

_DESCRIPTION = """\
Replay a rosbag2 (sqlite3 or mcap) as fast as the machine allows, through the code of the node and
without ROS. OUT gets the recording together with the node's topics (bag/), overlay.mp4,
groundings.csv, report.html and summary.json."""

_EXAMPLE = """\
examples:
  afformer simulate recordings/panel --rgbd-bag --seed 7
  afformer replay recordings/panel/bag --annotations recordings/panel/annotations.json \\
      --output replays/panel
  afformer replay kitchen.mcap --image-topic /camera/color/image_raw --demonstration press.mp4 \\
      --output replays/kitchen"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'replay',
        help='ground the images of a rosbag and report',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'bag', type=INPUT_PATH, metavar='BAG', help='folder of a rosbag2, or an mcap'
    )
    parser.add_argument('--output', type=OUTPUT_FOLDER, required=True, help='folder to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier replay in OUT'
    )
    _add_topics(
        parser.add_argument_group('topics; found automatically if there is only one choice')
    )
    _add_demonstration(parser.add_argument_group('demonstration'))
    _add_settings(
        parser.add_argument_group(
            'grounding; options have the names of the parameters of the node'
        )
    )
    parser.add_argument(
        '--annotations', type=INPUT_FILE, metavar='FILE',
        help='JSON file with annotations of the images',
    )  # fmt: skip
    parser.add_argument(
        '--from', type=float, default=0.0, dest='start', metavar='S',
        help='seconds into the bag at which images start (default: 0)',
    )  # fmt: skip
    parser.add_argument(
        '--to', type=float, dest='end', metavar='S', help='and end (default: end of the bag)'
    )
    parser.set_defaults(run=run)


def _add_topics(group: Any) -> None:
    group.add_argument('--image-topic', metavar='TOPIC', help='images of the camera')
    group.add_argument(
        '--demonstration-topic',
        metavar='TOPIC',
        help='images that are recorded as the demonstration',
    )
    group.add_argument('--depth-topic', metavar='TOPIC', help="depth images; '' for none")
    group.add_argument('--camera-info-topic', metavar='TOPIC', help="calibration; '' for none")


def _add_demonstration(group: Any) -> None:
    group.add_argument(
        '--demonstration', type=INPUT_NAME, action='append', default=[], metavar='FILE|NAME',
        help='a video, the part VIDEO#t=1.5,3 of one, in seconds, a folder of images or a stored '
        'demonstration, instead of a topic; repeat it to ground several together',
    )  # fmt: skip
    group.add_argument(
        '--store', type=INPUT_FOLDER, metavar='FOLDER', help='folder of the stored demonstrations'
    )
    group.add_argument(
        '--demonstration-from', type=float, default=0.0, metavar='S',
        help='seconds into the bag at which the demonstration starts (default: 0)',
    )  # fmt: skip
    group.add_argument(
        '--demonstration-to', type=float, metavar='S', help='and ends (default: end of the bag)'
    )
    group.add_argument(
        '--whole',
        action='store_true',
        help='do not trim it to the part in which something happens',
    )
    group.add_argument(
        '--model', type=INPUT_FOLDER, metavar='FOLDER',
        help='model folder, or `shipped` (default: shipped)',
    )  # fmt: skip
    add_session_options(group)


def _add_settings(group: Any) -> None:
    from afformer_core.replay.depth_wait import DEPTH_WAIT
    from afformer_core.stream.pipeline import PipelineSettings
    from afformer_core.stream.spatial_inputs import RECTIFICATIONS

    defaults = PipelineSettings(depth_wait=DEPTH_WAIT)
    for name, kind, text in (
        ('maximum_peaks', int, 'largest number of peaks'),
        (
            'minimum_presence',
            float,
            'lowest presence at which something is found; -1: the threshold of the model',
        ),
        ('minimum_confidence', float, 'the same for the confidence of an uncalibrated model'),
        ('minimum_feature_similarity', float, 'the same for its feature similarity'),
        ('minimum_continuity', float, 'lowest similarity to what was found before'),
        ('release_time', float, 'seconds after which earlier results do not count'),
        ('smoothing_time', float, 'time constant, seconds'),
        ('hold_time', float, 'seconds for which the last result is held'),
        ('scene_cut_threshold', float, 'change of the image that starts a new scene'),
        ('peak_tolerance', float, 'share of the image by which a peak may be off in depth'),
        ('agreement_tolerance', float, 'share of the diagonal within which best points agree'),
        ('certainty_threshold', float, 'least certainty to act on; -1: that of the model'),
    ):
        default = getattr(defaults.stream, name)
        _add_setting(group, name, default, text, type=kind, metavar='N')
    for name, text in (
        ('depth_tolerance', 'most seconds between an image and its depth'),
        ('depth_wait', "most seconds of the bag to read ahead for an image's depth and pose"),
    ):
        _add_setting(group, name, getattr(defaults, name), text, type=float, metavar='S')
    least = defaults.output.minimum_candidate_score
    text = 'lowest share of the heatmap around a peak for a grasp candidate'
    _add_setting(group, 'minimum_candidate_score', least, text, type=float, metavar='N')
    text = 'frame of positions, by /tf and /tf_static of the bag (that of the image)'
    group.add_argument('--target-frame', default='', metavar='FRAME', help=text)
    text = 'frame whose z axis points up (the target frame)'
    group.add_argument('--vertical-frame', default='', metavar='FRAME', help=text)
    group.add_argument(
        '--image-rectification', default='auto', choices=RECTIFICATIONS,
        help='auto: rectified if the name of the image topic has image_rect (auto)',
    )  # fmt: skip


def _add_setting(group: Any, name: str, default: Any, text: str, **options: Any) -> None:
    option = '--' + name.replace('_', '-')
    group.add_argument(option, default=default, help=f'{text} ({default})', **options)


def run(arguments: argparse.Namespace) -> int:
    """Replay the bag; returns 0 when the folder is complete."""
    from afformer_core.media.bag import Bag, Window
    from afformer_core.replay.result_folder import result_folder
    from afformer_core.replay.topics import choose_topics
    from afformer_core.reports.charts import require_charts

    require_charts()
    window = Window(arguments.start, arguments.end)
    inputs = [each.path for each in input_paths(arguments.subparser, arguments)]
    with (
        Bag(arguments.bag) as bag,
        result_folder(arguments.output, arguments.overwrite, inputs) as folder,
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
    found = summary.states.get('found', 0) + summary.states.get('held', 0)
    images = sum(summary.states.values())
    print(
        f'{arguments.output}: found in {found} of {images} images, {summary.positions} with a '
        'point'
    )
    return 0


def _replay(
    arguments: argparse.Namespace, bag: Any, topics: Any, window: Any, folder: Path
) -> Any:
    import torch
    from tqdm import tqdm

    from afformer_core.replay.annotations import read_annotations
    from afformer_core.replay.replay import ReplayRequest, write_replay

    annotations = read_annotations(arguments.annotations) if arguments.annotations else None
    settings = _settings(arguments, topics)
    demonstrations = _demonstrations(arguments, bag, topics)
    if annotations is not None and demonstrations.backend != 'torch':
        # target heatmaps are small: threads would wait for each other longer than they compute
        torch.set_num_threads(1)
    facts = {
        'bag': str(arguments.bag),
        'image topic': topics.image,
        'demonstration topic': topics.demonstration or 'none',
        'depth topic': topics.depth or 'none',
        'camera_info topic': topics.camera_info or 'none',
        'demonstration': '; '.join(demonstrations.accounts),
        'model': str(arguments.model or 'the shipped one'),
        'backend': demonstrations.backend,
        'positions are in': arguments.target_frame or 'the frame of their images',
        'images are': 'rectified' if settings.rectified else 'distorted',
        'settings': ', '.join(f'{name} {value}' for name, value in _numbers(settings)),
    }
    request = ReplayRequest(
        topics,
        demonstrations.selected,
        window,
        settings,
        annotations,
        demonstrations.calibration,
        facts,
        arguments.target_frame,
        arguments.vertical_frame,
    )
    with tqdm(total=bag.count(topics.image), unit='image', desc='replay') as bar:
        return write_replay(
            bag, request, demonstrations.predict, folder, lambda done: bar.update(done - bar.n)
        )


def _demonstrations(arguments: argparse.Namespace, bag: Any, topics: Any) -> Any:
    """Record or read the demonstrations that are to be grounded."""
    from afformer_core.demonstrations.media import split_topic
    from afformer_core.demonstrations.recording import RecordingSettings
    from afformer_core.demonstrations.store import DemonstrationStore
    from afformer_core.errors import DemonstrationError
    from afformer_core.media.bag import Window
    from afformer_core.replay.demonstrations import ReplayDemonstrations

    grounder = open_grounder(arguments.model, arguments)
    settings = RecordingSettings(not arguments.whole)
    demonstrations = ReplayDemonstrations(grounder, settings)
    if topics.demonstration:
        window = Window(arguments.demonstration_from, arguments.demonstration_to)
        demonstrations.record(bag, topics.demonstration, window)
    for one in arguments.demonstration:
        if split_topic(Path(one))[0].exists():
            demonstrations.add_file(Path(one))
        elif arguments.store is not None:
            demonstrations.add_stored(DemonstrationStore(arguments.store), one)
        else:
            raise DemonstrationError(
                f'there is no file {one}. A stored demonstration also needs --store FOLDER'
            )
    return demonstrations


def _numbers(settings: Any) -> list[tuple[str, Any]]:
    parts = (settings.stream, settings.output, settings)
    numbers = [pair for part in parts for pair in vars(part).items()]
    return [pair for pair in numbers if isinstance(pair[1], int | float)]


def _settings(arguments: argparse.Namespace, topics: Any) -> Any:
    from afformer_core.outputs.output_settings import OutputSettings
    from afformer_core.stream.pipeline import PipelineSettings
    from afformer_core.stream.settings import StreamSettings
    from afformer_core.stream.spatial_inputs import is_rectified

    return PipelineSettings(
        stream=StreamSettings(
            maximum_peaks=arguments.maximum_peaks,
            minimum_presence=arguments.minimum_presence,
            certainty_threshold=arguments.certainty_threshold,
            minimum_confidence=arguments.minimum_confidence,
            minimum_feature_similarity=arguments.minimum_feature_similarity,
            minimum_continuity=arguments.minimum_continuity,
            release_time=arguments.release_time,
            smoothing_time=arguments.smoothing_time,
            hold_time=arguments.hold_time,
            scene_cut_threshold=arguments.scene_cut_threshold,
            peak_tolerance=arguments.peak_tolerance,
            agreement_tolerance=arguments.agreement_tolerance,
        ),
        rectified=is_rectified(arguments.image_rectification, topics.image),
        depth_tolerance=arguments.depth_tolerance,
        depth_wait=arguments.depth_wait,
        output=OutputSettings(minimum_candidate_score=arguments.minimum_candidate_score),
    )
