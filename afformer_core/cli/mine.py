# SPDX-License-Identifier: Apache-2.0
"""`afformer mine`: clips of long videos in which hands touch something."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.errors import DatasetError

if TYPE_CHECKING:
    from afformer_core.maskahand.mining.index import HandIndex
    from afformer_core.maskahand.mining.mining import Mining
    from afformer_core.maskahand.sources import FoundSources

_DESCRIPTION = """\
Look for hands in long videos and write OUTPUT/index.json: which video shows hands that touch
something, when and where. `afformer train` learns from it without labels. No frame is copied.

What is mined are video files, the camera topics of rosbag2s (sqlite3 or mcap), demonstrations
that the node recorded, and folders of numbered images; folders are searched with all that are
below, and anything else in them is passed over.

Of an annotated dataset, `--annotations` mines the videos of its training split alone, and none
that has a clip of its test split: raw videos as well as clips that were cut out of them.

What was seen is kept in OUTPUT/parts. A run that was interrupted is continued by the same
command, and looks only at new videos when some were added. A video that is damaged is used up to
there, and reported; the exit status is then 1."""

_EXAMPLE = """\
examples:
  afformer mine datasets/mining/videos --detector simulated --output mined
  afformer mine ~/recordings kitchen.mcap --output mined --preview mined/sheet.jpg
  afformer mine robot_bag#/camera/color/image_raw --detector models/hands --output mined
  afformer mine opra/videos --annotations opra/annotations/train.json --detector models/hands \
      --output opra/mined
  afformer mine epic/frames_rgb_flow/rgb/train --annotations epic/annotations.json \
      --number-rate 60 --detector models/hands --output epic/mined"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to `argparse`'s subparsers."""
    parser = subparsers.add_parser(
        'mine',
        help='find hands that touch something in videos and bags',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'paths', nargs='+', type=Path, metavar='PATH',
        help='a video, a bag (BAG#TOPIC for one topic of it), or a folder of them',
    )  # fmt: skip
    parser.add_argument('--output', type=Path, required=True, help='folder of the index')
    parser.add_argument(
        '--annotations', type=Path, metavar='FILE',
        help='of a training split: mine its videos alone, and none of the test split',
    )  # fmt: skip
    parser.add_argument(
        '--held-out', type=Path, metavar='FILE',
        help='annotations of the test split (default: what --annotations says of it itself, or '
        'the file beside that has test for train in its name)',
    )  # fmt: skip
    parser.add_argument(
        '--detector', default='mediapipe',
        help="'mediapipe' with the model that `afformer fetch-hand-model` makes, for real hands; "
        "'simulated' for simulated ones; the folder of a detector that was trained or imported; "
        "or MediaPipe's hand_landmarker.task (default: mediapipe)",
    )  # fmt: skip
    parser.add_argument(
        '--rate', type=float, default=5.0, metavar='HZ',
        help='frames per second that are looked at; mediapipe needs 2 at least (default: 5)',
    )  # fmt: skip
    parser.add_argument(
        '--processes', type=int, metavar='N',
        help='that look at once (default: one for each core, or four for each GPU that a Faster '
        'R-CNN computes on)',
    )  # fmt: skip
    parser.add_argument(
        '--preview', type=Path, metavar='FILE',
        help='JPEG or PNG of a frame of each clip with its hands, evenly chosen where there are '
        'many',
    )  # fmt: skip
    parser.add_argument(
        '--clip-frames', type=int, default=32, metavar='N', help='of a clip (default: 32)'
    )
    parser.add_argument(
        '--stride', type=int, default=16, metavar='N',
        help='frames from one clip to the next (default: 16)',
    )  # fmt: skip
    parser.add_argument(
        '--minimum-score', type=float, metavar='S',
        help='a hand in contact is an interaction from this score on (default: as the detector '
        "says; 0.99 for the paper's)",
    )  # fmt: skip
    parser.add_argument(
        '--number-rate', type=float, metavar='HZ',
        help="by how much the numbers of images in folders grow in a second: their video's rate",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Mine; 0 when everything could be read to its end."""
    from afformer_core.parallel.workers import let_waiting_threads_sleep

    # Before what follows imports PyTorch.
    let_waiting_threads_sleep()

    from afformer_core.hands.open_detector import open_hand_detector
    from afformer_core.maskahand.mining.mining import INDEX_FILE, Mining, MiningSettings
    from afformer_core.maskahand.mining.preview import write_contact_sheet
    from afformer_core.maskahand.sources import find_sources
    from afformer_core.media.image_files import require_picture_path

    if arguments.processes is not None and arguments.processes < 1:
        raise ValueError(f'there must be at least 1 process, not {arguments.processes}')
    if arguments.preview is not None:
        require_picture_path(arguments.preview)
    settings = MiningSettings(
        arguments.rate, arguments.clip_frames, arguments.stride, arguments.minimum_score
    )
    found = find_sources(arguments.paths, arguments.number_rate)
    if not (found.sources or found.broken):
        raise DatasetError(
            f'there is no video in {", ".join(map(str, arguments.paths))}; name videos, bags, or '
            'folders of them'
        )
    if arguments.annotations is not None:
        found = _of_training(found, arguments.annotations, arguments.held_out)
    elif arguments.held_out is not None:
        raise DatasetError('--held-out is given without --annotations; give both')
    open_detector = partial(open_hand_detector, arguments.detector)
    mining = Mining(found, open_detector, arguments.output, settings)
    with mining.alone():
        _look(mining, arguments.processes)
        index = mining.index()
    if arguments.preview is not None and index.clips:
        write_contact_sheet(arguments.preview, index)
    return _report(index, arguments.output / INDEX_FILE)


def _of_training(found: FoundSources, annotations: Path, held_out: Path | None) -> FoundSources:
    """What may be mined of a dataset; says on stderr what is left out."""
    from afformer_core.data.split_videos import TrainingVideos

    videos = TrainingVideos.read(annotations, held_out)
    kept = found.only(videos.has)
    paths = {source.path for source in found.sources}
    tested = sum(videos.held_out.has(path) for path in paths)
    others = len(paths) - len({source.path for source in kept.sources}) - tested
    if not (kept.sources or kept.broken):
        raise DatasetError(
            f'none of the {len(paths)} videos may be mined: {tested} are of the test split and '
            f'{others} are not of {annotations}; give the annotations of the training split and '
            'its videos'
        )
    print(
        f'afformer: {len(paths) - tested - others} of {len(paths)} videos are of {annotations}; '
        f'{tested} are left out because of {videos.held_out_from or "no test split"}, {others} '
        'are of neither',
        file=sys.stderr,
    )
    return kept


def _look(mining: Mining, processes: int | None) -> None:
    from tqdm import tqdm

    try:
        with tqdm(total=mining.total, initial=mining.done, unit='frame', desc='looking') as bar:
            for _ in mining.look(processes):
                bar.update(mining.done - bar.n)
    except KeyboardInterrupt:
        print('afformer: interrupted; the same command goes on from here', file=sys.stderr)
        raise


def _report(index: HandIndex, path: Path) -> int:
    for broken, reason in index.broken:
        print(f'afformer: {broken}: {reason}', file=sys.stderr)
    showing = sum(bool(video.clips) for video in index.videos)
    said = f'{path}: {index.clips} clips in {showing} of {len(index.videos)} videos'
    if index.broken:
        said += f'; {len(index.broken)} could not be read, or not whole'
    print(said)
    return 1 if index.broken else 0
