# SPDX-License-Identifier: Apache-2.0
"""The graphs of a model folder, exported if they are missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import Graphs, read_graphs

# In later opsets fused attention is one operator.
OPSET_WITHOUT_ATTENTION = 18

_EXPORTER = ('onnx', 'onnxscript')


def obtain_graphs(
    folder: Path, precision: str, opset: int | None, report: Callable[[str], None]
) -> Graphs:
    """Get the graphs of a model folder in a precision; export them if they are missing.

    Args:
        folder: the model folder.
        precision: 'fp32', 'fp16' or 'bf16'.
        opset: ONNX opset for new graphs; None: the opset in `OPSETS`.
        report: called with a line that explains why they are exported.

    Raises:
        ModelFolderError: there are none, and they cannot be exported; the message contains the
            remedy.
        ValueError: the precision does not suit the model.
    """
    try:
        return read_graphs(folder, precision)
    except ModelFolderError as error:
        reason = str(error).partition('. Run')[0]
    report(f'{reason}; exporting in {precision}, which takes half a minute')
    export_anew(folder, precision, opset)
    return read_graphs(folder, precision)


def export_anew(folder: Path, precision: str, opset: int | None) -> None:
    """Export the graphs of a model folder, even if it already has graphs.

    Raises:
        ModelFolderError: the exporter is not installed, the folder cannot be written to, or the
            graphs do not reproduce the model's outputs; the message contains the remedy.
        ValueError: the precision does not suit the model.
    """
    missing = [name for name in _EXPORTER if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelFolderError(
            f'{folder} cannot be exported in {precision} here without {" and ".join(missing)}. '
            f'Run: pip install {" ".join(missing)}'
        )
    from afformer_core.runtime.export.export import export_graphs

    try:
        export_graphs(folder, precision, opset)
    except OSError as error:
        raise ModelFolderError(
            f'{folder} cannot be exported in {precision}, because that folder is not writable '
            f'({error.strerror}). Run afformer export --precision {precision} as a user with '
            'write access, or copy the folder and use the copy as the model'
        ) from error


def opset_for_tensorrt() -> int | None:
    """Return the opset that the installed TensorRT needs; None for the precision's default."""
    try:
        from afformer_core.runtime.tensorrt.library import KNOWS_ATTENTION
    except ImportError:
        return None
    return None if KNOWS_ATTENTION else OPSET_WITHOUT_ATTENTION
