# SPDX-License-Identifier: Apache-2.0
"""`afformer mine`: clips of long videos in which hands touch objects."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command
from afformer_core.cli.options.dataset_options import add_folder_rate
from afformer_core.cli.options.engine_options import add_engine_options, engine_of
from afformer_core.cli.options.path_options import INPUT_NAME, INPUT_PATH, INPUT_URL, OUTPUT_FOLDER
from afformer_core.errors import DatasetError

if TYPE_CHECKING:
    from afformer_core.offline.maskahand.mining.mining import MinedCounts, Mining
    from afformer_core.offline.maskahand.sources import FoundSources
    from afformer_core.offline.parallel.engine import ParallelEngine

_DESCRIPTION = """\
Detect hands in long videos, and write to OUTPUT/index.json when and where hands
touch objects. `afformer train` learns from this index without labels. No frames
are copied.

Sources are video files, the camera topics of rosbag2 files (sqlite3 or mcap),
demonstrations recorded by the node, folders of numbered images, episodes of
LeRobot datasets (version 3), and videos in tar files of WebDataset. Folders are
searched recursively; other files in them are ignored. If intrinsics.json lies
beside the videos, or in a searched folder above them, its camera calibration is
used to undistort the frames. Videos, datasets and tars in a bucket or on a web
server are streamed, which needs the extra remote of the package.

With the annotations of a dataset, --annotations mines only the videos of the
training split, and none that contains a clip of the test split. This holds for
raw videos and for clips that were cut out of them.

Detections are stored in OUTPUT/parts. Run the same command again to continue
after an interruption, or to read only the videos that were added. A damaged video
is read up to the damage and reported, and the exit status is 1."""

_EXAMPLE = """\
examples:
  afformer mine simulated/clips --detector simulated --output mined
  afformer mine ~/recordings kitchen.mcap --output mined
  afformer mine robot_bag#/camera/color/image_raw --detector models/hands --output mined
  afformer mine opra/videos --annotations opra/annotations/train.json --detector models/hands \\
      --output opra/mined
  afformer mine epic/frames_rgb_flow/rgb/train --annotations epic/annotations.json \\
      --folder-rate 60 --detector models/hands --output epic/mined
  afformer mine s3://bucket/videos https://host/video.mp4 --output s3://bucket/mined
  afformer mine /data/videos --output mined --engine ray --address head:6379"""

# Its files do not count as videos if the mined folder contains it.
_INDEX_FOLDER = replace(OUTPUT_FOLDER, urls=True)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'find clips in which hands touch objects'
    parser = add_command(subparsers, 'mine', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'paths', nargs='+', type=INPUT_URL, metavar='PATH',
        help='video, bag (BAG#TOPIC for one of its topics), or folder of videos and bags; for '
        'videos also a URL, such as s3://BUCKET/FOLDER',
    )  # fmt: skip
    parser.add_argument(
        '--output', type=_INDEX_FOLDER, required=True,
        help='folder for the index; also a URL, such as s3://BUCKET/FOLDER',
    )  # fmt: skip
    parser.add_argument(
        '--annotations', type=INPUT_PATH, metavar='FILE',
        help='annotations of a training split: mine only its videos, and none of the test split',
    )  # fmt: skip
    parser.add_argument(
        '--held-out', type=INPUT_PATH, metavar='FILE',
        help='annotations of the test split (default: the test split in the file of '
        '--annotations itself, or the file beside it with test instead of train in its name)',
    )  # fmt: skip
    parser.add_argument(
        '--detector', type=INPUT_NAME, default='mediapipe',
        help='hand detector: mediapipe; simulated, for hands that `afformer simulate` wrote; or '
        'the folder of a trained or imported detector (default: mediapipe)',
    )  # fmt: skip
    parser.add_argument(
        '--rate', type=float, default=5.0, metavar='HZ',
        help='frames to read per second of video; mediapipe needs at least 2 (default: 5)',
    )  # fmt: skip
    parser.add_argument(
        '--processes', type=int, metavar='N',
        help='number of processes (default: one for each core, or four for each GPU if a Faster '
        'R-CNN runs on GPUs; in a Ray cluster, as many as fit)',
    )  # fmt: skip
    parser.add_argument(
        '--batch-size', type=int, metavar='N',
        help='number of frames that a Faster R-CNN processes together; on a GPU, the next frames '
        'are decoded meanwhile. MediaPipe processes one frame at a time (default: 8)',
    )  # fmt: skip
    add_engine_options(parser)
    parser.add_argument(
        '--clip-frames', type=int, default=32, metavar='N',
        help='number of frames in a clip (default: 32)',
    )  # fmt: skip
    parser.add_argument(
        '--stride', type=int, default=16, metavar='N',
        help='number of frames from the start of a clip to the start of the next (default: 16)',
    )  # fmt: skip
    parser.add_argument(
        '--minimum-score', type=float, metavar='S',
        help='minimum score for a hand in contact to count as an interaction (default: set by '
        'the detector; 0.99 for the detector of the paper)',
    )  # fmt: skip
    add_folder_rate(parser)


def run(arguments: argparse.Namespace) -> int:
    """Mine the videos; return 0 if all of them could be read to their end."""
    from afformer_core.worker_process import let_waiting_threads_sleep

    # before the imports below import PyTorch
    let_waiting_threads_sleep()

    from afformer_core.files.provenance import provenance
    from afformer_core.offline.maskahand.sources import find_sources

    engine = engine_of(arguments, arguments.processes)
    found = find_sources(arguments.paths, arguments.folder_rate)
    if not (found.sources or found.broken):
        raise DatasetError(
            f'{", ".join(map(str, arguments.paths))} contains no video. Name videos, bags, or '
            'folders of them'
        )
    if arguments.annotations is not None:
        found = _of_training(found, arguments.annotations, arguments.held_out)
    elif arguments.held_out is not None:
        raise DatasetError('--held-out is given without --annotations. Give both')
    from afformer_core.hands.open_detector import open_hand_detector
    from afformer_core.offline.maskahand.mining.mining import INDEX_FILE, Mining, MiningSettings

    settings = MiningSettings(
        rate=arguments.rate,
        clip_frames=arguments.clip_frames,
        stride=arguments.stride,
        interaction_score=arguments.minimum_score,
    )
    batch = {} if arguments.batch_size is None else {'batch_size': arguments.batch_size}
    open_detector = partial(open_hand_detector, arguments.detector, **batch)
    mining = Mining(found, open_detector, arguments.output, settings)
    _detect(mining, engine)
    data = [file for file in (arguments.annotations, arguments.held_out) if file is not None]
    counts = mining.write_index(provenance(data=data))
    return _report(counts, arguments.output / INDEX_FILE)


def _of_training(found: FoundSources, annotations: Path, held_out: Path | None) -> FoundSources:
    """Select the videos of a dataset that may be mined; report the others on stderr."""
    from afformer_core.offline.data.split_videos import TrainingVideos

    videos = TrainingVideos.read(annotations, held_out)
    kept = found.only(videos.has)
    paths = {source.path for source in found.sources}
    tested = sum(videos.held_out.has(path) for path in paths)
    others = len(paths) - len({source.path for source in kept.sources}) - tested
    if not (kept.sources or kept.broken):
        raise DatasetError(
            f'none of the {len(paths)} videos can be mined: {tested} belong to the test split and '
            f'{others} are not in {annotations}. Give the annotations of the training split and '
            'its videos'
        )
    print(
        f'afformer: {len(paths) - tested - others} of {len(paths)} videos are in {annotations}; '
        f'{tested} are left out because of {videos.held_out_from or "no test split"}, {others} '
        'are in neither',
        file=sys.stderr,
    )
    return kept


def _detect(mining: Mining, engine: ParallelEngine) -> None:
    from tqdm import tqdm

    try:
        with tqdm(total=mining.total, initial=mining.done, unit='frame', desc='looking') as bar:
            for _ in mining.detect(engine):
                bar.update(mining.done - bar.n)
    except KeyboardInterrupt:
        print('afformer: interrupted; run the same command again to continue', file=sys.stderr)
        raise


def _report(counts: MinedCounts, path: Path) -> int:
    from afformer_core.offline.maskahand.sources.urls import address

    for broken, reason in counts.broken:
        print(f'afformer: {address(broken)}: {reason}', file=sys.stderr)
    if counts.undistorted:
        print(
            f'afformer: frames of {counts.undistorted} videos are undistorted with the '
            'intrinsics.json beside them or in a folder above',
            file=sys.stderr,
        )
    if counts.untouching:
        print(
            f'afformer: hands in {counts.untouching} more videos never reach the contact score of '
            f'{counts.interaction_score:g}. Run the same command with a lower --minimum-score to '
            'get more clips; it does not repeat the detection',
            file=sys.stderr,
        )
    said = f'{address(path)}: {counts.clips} clips in {counts.showing} of {counts.videos} videos'
    if counts.broken:
        said += f'; {len(counts.broken)} could not be read completely'
    print(said)
    return 1 if counts.broken else 0
