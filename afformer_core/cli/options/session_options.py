# SPDX-License-Identifier: Apache-2.0
"""Options of the session that several commands share, and the opening of the model."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afformer_core.runtime import ArrayGrounder


def add_backend(parser: Any) -> None:
    """Add the option for the inference backend."""
    parser.add_argument(
        '--backend',
        default='auto',
        help='inference backend: auto, torch, onnxruntime, openvino, torch-cuda, '
        'onnxruntime-cuda or tensorrt (default: auto)',
    )


def add_zooms(parser: argparse.ArgumentParser) -> None:
    """Add the option for the zoom stages."""
    parser.add_argument(
        '--zooms',
        type=float,
        nargs=2,
        metavar=('DEMONSTRATION', 'IMAGE'),
        action='append',
        help='add a zoom stage that magnifies the demonstration around its contact and the image '
        'around the peak of the previous stage by these factors; repeat the option to add stages '
        '(default: the zoom stages in model.json)',
    )


def add_session_options(parser: Any) -> None:
    """Add backend, precision, threads and zoom stages to a parser or a group of its options."""
    add_backend(parser)
    parser.add_argument(
        '--precision',
        default='auto',
        help='precision of inference: auto, fp32, fp16 or bf16 (default: auto, which is '
        'fp16 with tensorrt if it was exported, bf16 where backend auto is openvino, and '
        'otherwise fp32)',
    )
    parser.add_argument(
        '--threads',
        type=int,
        default=0,
        help='number of threads; 0: chosen by the backend (default: 0)',
    )
    parser.add_argument(
        '--maximum-stages',
        type=int,
        metavar='N',
        help='maximum number of groundings of an image, each of which takes the same time: one '
        'of the whole image, then one for each zoom stage; 1: the whole image only (default: '
        'all zoom stages of the model)',
    )


@contextlib.contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print each warning as one line on stderr."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', UserWarning)
        yield
    for warning in caught:
        print(f'warning: {warning.message}', file=sys.stderr)


def open_grounder(model: Path | None, arguments: argparse.Namespace) -> ArrayGrounder:
    """Open a model according to the options: a folder, or, by name or None, the shipped model.

    If its calibration is not used, the reason is printed on stderr.

    Raises:
        ModelFolderError: the folder does not contain a valid model for this backend.
        EngineError: TensorRT cannot compile or run it here.
        ValueError: the backend or precision is unknown, or a number is out of range.
    """
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    grounder = ArrayGrounder.load(
        model_folder(model or SHIPPED),
        arguments.backend,
        arguments.threads,
        arguments.precision,
        lambda line: print(line, file=sys.stderr),
        maximum_stages=arguments.maximum_stages,
    )
    if grounder.calibration_problem:
        print(f'warning: {grounder.calibration_problem}', file=sys.stderr)
    return grounder
