# SPDX-License-Identifier: Apache-2.0
"""`afformer bench`: time and memory of grounding, beside the released code's."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command, add_json, print_report
from afformer_core.cli.options.path_options import INPUT_FILE, MODEL

if TYPE_CHECKING:
    from afformer_core.offline.reports.tables import Table

_DESCRIPTION = """\
Measure the time and memory of grounding a camera image. Without model folders,
the command measures the ResNet-50 model with random weights and the shipped
model. If a variant cannot be measured, its row gives the reason.

With --video and --image, it measures instead everything that the node does for
an image: decoding, both networks, zoom stages, peaks and messages."""

_EXAMPLE = """examples:
  afformer bench --threads 2 --frames 1 8 32
  afformer bench --video press.mp4 --image camera.jpg --demonstrations 1 4
  afformer bench my_model --variants onnxruntime:fp32 openvino:bf16 --node
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'measure time and memory of inference'
    parser = add_command(subparsers, 'bench', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'models',
        type=MODEL,
        nargs='*',
        help='model folders, or `shipped` for the shipped model; the folders are not changed',
    )
    parser.add_argument(
        '--threads', type=int, default=2, help='number of CPU threads (default: 2)'
    )
    parser.add_argument(
        '--frames',
        type=int,
        nargs='+',
        default=[1, 8, 32],
        help='lengths of the demonstration, in frames (default: 1 8 32)',
    )
    parser.add_argument(
        '--variants',
        nargs='+',
        metavar='BACKEND:PRECISION',
        help='variants to compare: recompute, torch, onnxruntime or openvino on the CPU, '
        'recompute-cuda, torch-cuda, onnxruntime-cuda or tensorrt on a GPU, each with fp32, fp16 '
        'or bf16 (default: all that are installed; on the CPU in fp32 and, for openvino, also in '
        'bf16; on a GPU in fp16 and, for torch-cuda and onnxruntime-cuda, also in fp32)',
    )
    parser.add_argument(
        '--video', type=INPUT_FILE, metavar='FILE', help='video of a demonstration, with --image'
    )
    parser.add_argument(
        '--image', type=INPUT_FILE, metavar='FILE', help='camera image, with --video'
    )
    parser.add_argument(
        '--demonstrations',
        type=int,
        nargs='+',
        default=[1],
        metavar='N',
        help='numbers of demonstrations that are grounded together (default: 1)',
    )
    parser.add_argument(
        '--camera-sizes',
        nargs='+',
        default=['640x480'],
        metavar='WIDTHxHEIGHT',
        help='sizes to which the image is resized (default: 640x480)',
    )
    parser.add_argument(
        '--node',
        action='store_true',
        help='also measure each variant in the grounding node, with images of 640x480 at 30 Hz '
        'and results sent over DDS; needs ROS 2',
    )
    add_json(parser, 'the tables')


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the tables."""
    if arguments.threads < 1 or min(arguments.frames) < 1:
        raise ValueError(
            f'--threads is {arguments.threads} and --frames {arguments.frames}; '
            'expected at least 1 each'
        )
    if (arguments.video is None) != (arguments.image is None):
        given, missing = ('video', 'image') if arguments.video else ('image', 'video')
        raise ValueError(f'--{given} is given and --{missing} is not; expected both or neither')
    tables = _image_tables(arguments) if arguments.video else _tables(arguments)
    facts = _facts(arguments.threads)
    lines = '\n'.join(f'- {name}: {value}' for name, value in facts.items())
    text = '\n\n'.join([lines, *(table.to_markdown() for table in tables)])
    data = [arguments.video, arguments.image] if arguments.video else []
    content = {**facts, 'tables': [table.to_json() for table in tables]}
    print_report(arguments, text, content, data)
    return 0


def _tables(arguments: argparse.Namespace) -> list[Table]:
    from dataclasses import replace

    from afformer_core.actions import OPRA_ACTIONS
    from afformer_core.models.presets import afformer_r50
    from afformer_core.offline.benchmarks.inference_variants import (
        InferenceVariant,
        default_variants,
    )
    from afformer_core.offline.benchmarks.latency_tables import (
        copy_with_graphs,
        latency_table,
        node_latency_table,
        random_model,
    )
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    variants = default_variants()
    if arguments.variants:
        variants = tuple(
            dict.fromkeys(InferenceVariant.parse(text) for text in arguments.variants)
        )
    tables = []
    with tempfile.TemporaryDirectory() as name:
        # engines of temporary models would stay in the user's cache
        os.environ['XDG_CACHE_HOME'] = name
        folders = {str(name): model_folder(name) for name in arguments.models}
        if not folders:
            title = 'ResNet-50, 256x256, random weights'
            folders = {title: Path(name) / 'r50', 'shipped model': model_folder(SHIPPED)}
            configuration = afformer_r50(OPRA_ACTIONS, (256, 256))
            longest = max(configuration.maximum_frames, *arguments.frames)
            random_model(replace(configuration, maximum_frames=longest), folders[title])
        for number, (title, folder) in enumerate(folders.items()):
            copy = Path(name) / str(number)
            impossible = copy_with_graphs(folder, copy, variants)
            threads = arguments.threads
            tables.append(
                latency_table(title, copy, arguments.frames, threads, variants, impossible)
            )
            if arguments.node:
                tables.append(node_latency_table(title, copy, threads, variants, impossible))
    return tables


def _image_tables(arguments: argparse.Namespace) -> list[Table]:
    from afformer_core.offline.benchmarks.image_path import image_path_table, parse_size
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    if min(arguments.demonstrations) < 1:
        raise ValueError(f'--demonstrations is {arguments.demonstrations}; expected at least 1')
    for size in arguments.camera_sizes:
        parse_size(size)
    variants = [
        (backend, precision)
        for backend, _, precision in (
            text.partition(':') for text in arguments.variants or ['onnxruntime:fp32']
        )
    ]
    return [
        image_path_table(
            str(name),
            model_folder(name),
            variants,
            arguments.threads,
            arguments.video,
            arguments.image,
            arguments.demonstrations,
            arguments.camera_sizes,
        )
        for name in arguments.models or [SHIPPED]
    ]


def _facts(threads: int) -> dict[str, str]:
    """Describe what the times depend on, after the measurement has loaded its packages."""
    from afformer_core.files.provenance import provenance

    described = provenance()
    measuring = ('torch', 'onnxruntime', 'openvino')
    packages = (
        f'{name} {release}'
        for name, release in described['packages'].items()
        if name.startswith(measuring)
    )
    return {
        'machine': described['machine'],
        'GPU': described.get('gpu', 'none'),
        'threads': str(threads),
        'versions': ', '.join((f'Python {described["python"]}', *packages)),
    }
