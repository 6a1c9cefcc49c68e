# SPDX-License-Identifier: Apache-2.0
"""`afformer build-engine`: TensorRT engines of a model, compiled and cached."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.path_options import STORE

_DESCRIPTION = """\
Compile the graphs of a model and of its matching network with TensorRT, and
store the engines in the cache with a hash of what they depend on. TensorRT
compiles for the GPU of this machine. Export the graphs first: afformer export."""

_EXAMPLE = """example:
  afformer build-engine my_model --precision fp16
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'compile a model for an NVIDIA GPU'
    parser = add_command(subparsers, 'build-engine', run, help_text, _DESCRIPTION, _EXAMPLE)
    add_model(parser, 'model')
    parser.add_argument(
        '--precision',
        choices=('auto', 'fp32', 'fp16', 'bf16'),
        default='auto',
        help='precision of the engines (default: auto, which is fp16 if graphs in fp16 were '
        'exported, or else fp32)',
    )
    parser.add_argument(
        '--cache', type=STORE, help='folder of the engines (default: ~/.cache/afformer)'
    )
    parser.add_argument(
        '--require-gpu',
        action='store_true',
        help='fail if this machine has no GPU that can run the engines',
    )


def run(arguments: argparse.Namespace) -> int:
    """Compile the engines, and print their paths."""
    from afformer_core.errors import EngineError
    from afformer_core.files.private_files import cache_folder
    from afformer_core.runtime.model_folder import network_folders
    from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder
    from afformer_core.runtime.tensorrt.compiled_model import compile_model

    if arguments.require_gpu and not gpu_at_hand():
        raise EngineError(f'engines need an NVIDIA GPU: {why_no_gpu()}')
    folder = model_folder(arguments.model or SHIPPED)
    cache = arguments.cache or cache_folder()
    for network in network_folders(folder):
        compiled = compile_model(network, arguments.precision, cache, _report)
        size = sum(map(len, compiled.engines.values())) / 2**20
        precision = compiled.graphs.precision
        print(f'the engines of {network} in {precision}, {size:.1f} MiB, are in {cache}')
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
