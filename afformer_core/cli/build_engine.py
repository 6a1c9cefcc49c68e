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
store the engines in the cache with a record of what they depend on. Missing
graphs are exported first, in an opset that TensorRT supports. TensorRT compiles
for the GPU of this machine, TensorRT for RTX for any GPU."""

_EXAMPLE = """examples:
  afformer build-engine my_model --precision fp16
  afformer build-engine my_model --compute-capability 8.6    # for another GPU, without one here
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
        help='precision of the engines (default: auto, which is fp16, or fp32 if the model '
        'cannot be exported in fp16)',
    )
    parser.add_argument(
        '--compute-capability',
        type=_capability,
        metavar='MAJOR.MINOR',
        help='compute capability of the GPU that will run the engines (default: that of the GPU '
        'of this machine)',
    )
    parser.add_argument(
        '--workspace',
        type=int,
        default=0,
        help='memory limit of the compiler in MiB; 0: no limit (default: 0)',
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
    from afformer_core.files.cache_folder import cache_folder
    from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder_to_export
    from afformer_core.runtime.tensorrt.builder import BuildSettings
    from afformer_core.runtime.tensorrt.compiled_model import compile_networks

    if arguments.require_gpu and gpu_at_hand() is None:
        raise EngineError(f'engines need an NVIDIA GPU: {why_no_gpu()}')
    folder = model_folder_to_export(arguments.model or SHIPPED)
    settings = BuildSettings(arguments.compute_capability, arguments.workspace)
    cache = arguments.cache or cache_folder()
    for compiled in compile_networks(folder, arguments.precision, settings, cache, _report):
        size = sum(len(engine.serialized) for engine in compiled.engines.values()) / 2**20
        precision = compiled.graphs.precision
        print(f'the engines of {compiled.folder} in {precision}, {size:.1f} MiB, are in {cache}')
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _capability(text: str) -> tuple[int, int]:
    major, dot, minor = text.partition('.')
    if not (dot and major.isdigit() and minor.isdigit()):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a compute capability; expected one such as 8.6'
        )
    return int(major), int(minor)
