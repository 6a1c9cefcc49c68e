# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate-hands`: accuracy of a hand detector on hands and their interactions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_NAME, REPORT_FILE

_DESCRIPTION = """\
Detect hands in the images of a split in the layout of 100DOH, and print the
average precision at an IoU of 0.5, once for hands, and once for hands whose
interaction is also right."""

_EXAMPLE = """examples:
  afformer evaluate-hands simulated hands --split test
  afformer evaluate-hands models/hands 100DOH/VOCdevkit2007_handobj_100K/VOC2007 --json hands.json
"""
# Low enough for the whole curve of precision over recall.
_LOWEST_SCORE = 0.005


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'evaluate-hands',
        help='measure the accuracy of a hand detector',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'detector',
        type=INPUT_NAME,
        help='shipped detector, `simulated` or `mediapipe`, or folder of a detector',
    )
    parser.add_argument(
        'dataset', type=INPUT_FOLDER, help='folder with JPEGImages, Annotations and ImageSets/Main'
    )
    parser.add_argument(
        '--split',
        default='test',
        help='name of the list of images in ImageSets/Main (default: test)',
    )
    parser.add_argument(
        '--json',
        type=REPORT_FILE,
        help='also write the tables to this JSON file; -: print JSON instead of the tables',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the detector, and print the report."""
    from afformer_core.parallel.worker_process import let_waiting_threads_sleep

    # before the imports below import PyTorch
    let_waiting_threads_sleep()

    from tqdm import tqdm

    from afformer_core.files.atomic import write_aside
    from afformer_core.hands.detector_report import detect_in_images, report_detector
    from afformer_core.hands.hand_annotations import read_hand_annotations, split_file
    from afformer_core.hands.open_detector import open_hand_detector
    from afformer_core.reports.provenance import provenance

    detector = open_hand_detector(arguments.detector, _LOWEST_SCORE)
    images = read_hand_annotations(arguments.dataset, arguments.split)
    found = detect_in_images(detector, images)
    detected = list(tqdm(found, total=len(images), unit='image', desc='detecting'))
    dataset = f'the split {arguments.split} of {arguments.dataset}'
    report = report_detector(detector, images, detected, dataset)
    made = provenance(data=[split_file(arguments.dataset, arguments.split)])
    content = json.dumps({**report.to_json(), 'provenance': made}, indent=2)
    print(content if arguments.json == '-' else report.to_markdown())
    if arguments.json not in (None, '-'):
        write_aside(Path(arguments.json), (content + '\n').encode())
    return 0
