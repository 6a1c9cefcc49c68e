# SPDX-License-Identifier: Apache-2.0
"""`afformer export`: ONNX graphs of a model, written into its folder."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from afformer_core.cli.options.command import add_command
from afformer_core.cli.options.path_options import MODEL

_DESCRIPTION = """\
Write the graphs encode_frames.onnx, memorize.onnx, encode_image.onnx and
decode.onnx into the model folder, and encode.onnx and find_contact.onnx into
the folder of its matching network, after checking that their outputs agree
with those of PyTorch."""

_EXAMPLE = """examples:
  afformer export my_model
  afformer export my_model --precision fp16      # into my_model/fp16, for a GPU
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'export a model to ONNX'
    parser = add_command(subparsers, 'export', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'model',
        type=MODEL,
        nargs='?',
        help='model folder, or `shipped`, whose graphs are written to the cache folder of this '
        'user unless the folder of the package is writable (default: shipped)',
    )
    parser.add_argument(
        '--precision',
        choices=('fp32', 'fp16', 'bf16'),
        default='fp32',
        help='precision of convolutions, linear layers and attention; ONNX Runtime on the CPU '
        'supports fp32 only, TensorRT supports all (default: fp32)',
    )
    parser.add_argument(
        '--opset',
        type=int,
        choices=range(18, 26),
        metavar='18..25',
        help='ONNX opset; TensorRT before 10.14, as in JetPack 6, needs 18 in every precision '
        '(default: 18 in fp32, 23 otherwise)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Export the graphs, and print their paths."""
    from afformer_core.runtime.export.export import export_graphs
    from afformer_core.runtime.graphs import graphs_folder
    from afformer_core.runtime.model_folder import network_folders, read_network
    from afformer_core.runtime.self_test import Differences
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder_to_export

    folder, precision = model_folder_to_export(arguments.model or SHIPPED), arguments.precision
    print(f'exporting {folder} ...', file=sys.stderr)
    networks = network_folders(folder)
    differences = [export_graphs(network, precision, arguments.opset) for network in networks]
    written = ' and '.join(
        f'{", ".join(f"{name}.onnx" for name in read_network(network).graph_names)} to '
        f'{graphs_folder(network, precision)}'
        for network in networks
    )
    print(f'wrote {written}; compared with PyTorch in fp32, {Differences.largest(differences)}')
    return 0
