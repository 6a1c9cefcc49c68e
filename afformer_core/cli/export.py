# SPDX-License-Identifier: Apache-2.0
"""`afformer export`: write the ONNX graphs of a model into its folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_EXAMPLE = """example:
  afformer export my_model
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
        '--if-needed', action='store_true', help='do nothing where sound graphs stand already'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say where to."""
    from afformer_core.runtime.model_folder import shipped_model_folder

    folder = arguments.model or shipped_model_folder()
    if arguments.if_needed and _graphs_are_sound(folder):
        print(f'the graphs in {folder} are up to date')
        return 0
    from afformer_core.runtime.export import export_graphs

    print(f'exporting {folder} ...', file=sys.stderr)
    export_graphs(folder)
    print(f'wrote encode_frames.onnx, memorize.onnx and ground.onnx to {folder}')
    return 0


def _graphs_are_sound(folder: Path) -> bool:
    from afformer_core.errors import ModelFolderError
    from afformer_core.runtime.model_folder import graph_paths, read_description

    description = read_description(folder)
    try:
        graph_paths(folder, description)
    except ModelFolderError:
        return False
    return True
