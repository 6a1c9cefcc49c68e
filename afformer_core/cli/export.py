# SPDX-License-Identifier: Apache-2.0
"""`afformer export`: write the ONNX graphs of a model into its folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_EXAMPLE = """example:
  afformer export my_model
  afformer export my_model --precision fp16      # into my_model/fp16, for a GPU
  afformer export            # the model that comes with the package
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'export',
        help='write the ONNX graphs of a model into its folder',
        description='Writes encode_frames.onnx, memorize.onnx and ground.onnx beside the weights, '
        'after checking that they give what PyTorch gives.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('model', type=Path, nargs='?', help='model folder (default: the shipped)')
    parser.add_argument(
        '--precision',
        choices=('fp32', 'fp16', 'bf16'),
        default='fp32',
        help='what convolutions, linear layers and attention compute in; ONNX Runtime on the CPU '
        'runs fp32, TensorRT compiles any (default: fp32)',
    )
    parser.add_argument(
        '--opset',
        type=int,
        choices=range(18, 26),
        metavar='18..25',
        help='of ONNX (default: 18 in fp32, else 23; TensorRT before 10.14, as in JetPack 6, '
        'needs 18 in any precision)',
    )
    parser.add_argument(
        '--if-needed', action='store_true', help='do nothing where sound graphs stand already'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say where to."""
    from afformer_core.runtime.model_folder import shipped_model_folder

    folder = arguments.model or shipped_model_folder()
    precision = arguments.precision
    if arguments.if_needed and _graphs_are_sound(folder, precision):
        print(f'the graphs in {folder} are up to date')
        return 0
    from afformer_core.runtime.export import export_graphs
    from afformer_core.runtime.graphs import graphs_folder

    print(f'exporting {folder} ...', file=sys.stderr)
    difference = export_graphs(folder, precision, arguments.opset)
    print(
        f'wrote encode_frames.onnx, memorize.onnx and ground.onnx to '
        f'{graphs_folder(folder, precision)}; they differ from PyTorch in fp32 by '
        f'{difference:.1e}'
    )
    return 0


def _graphs_are_sound(folder: Path, precision: str) -> bool:
    from afformer_core.errors import ModelFolderError
    from afformer_core.runtime.graphs import read_graphs
    from afformer_core.runtime.model_folder import read_description

    read_description(folder)
    try:
        read_graphs(folder, precision)
    except ModelFolderError:
        return False
    return True
