# SPDX-License-Identifier: Apache-2.0
"""The exported graphs of a model: three ONNX files for each precision, with their golden outputs.

Graphs in fp32 are in the model folder itself, others in a subfolder with the name of the
precision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.runtime.model_folder import ModelDescription, read_description, read_json
from afformer_core.runtime.self_test import GOLDEN_OUTPUTS_FILE, TOLERANCES

GRAPHS_FILE = 'graphs.json'
# Increases whenever the inputs or outputs of the graphs change, such as the layout of a memory.
VERSION = 3
GRAPH_NAMES = ('encode_frames', 'memorize', 'ground')


@dataclass(frozen=True)
class Graphs:
    """Exported graphs whose files are complete.

    Attributes:
        folder: folder that holds them and their golden outputs.
        precision: 'fp32', 'fp16', 'bf16', or 'int8' for quantized convolutions of the encoder.
        base: precision of all else where the precision is 'int8'; else the same.
        opset: ONNX opset.
        tolerance: largest allowed difference from the golden outputs.
        sha256: hash of each graph by name, in hexadecimal.
        loss: loss of accuracy by quantization, measured at the export; empty where nothing is
            quantized.
    """

    folder: Path
    precision: str
    base: str
    opset: int
    tolerance: float
    sha256: Mapping[str, str]
    loss: Mapping[str, float]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files, without the listing."""
        return _FILES

    def path(self, name: str) -> Path:
        """Return the path of a graph, one of `GRAPH_NAMES`."""
        return self.folder / f'{name}.onnx'


def graphs_folder(folder: Path, precision: str) -> Path:
    """Return the folder in which a model folder has its graphs of a precision."""
    return folder if precision == 'fp32' else folder / precision


def read_graphs(folder: Path, precision: str = 'fp32') -> Graphs:
    """Read the listing of a model folder's graphs and check their files.

    Raises:
        ModelFolderError: no graphs were exported, a file is missing or altered, or they belong to
            other weights, another architecture or another release's version.
    """
    return graphs_of(graphs_folder(folder, precision), read_description(folder), precision)


def graphs_of(folder: Path, description: ModelDescription, precision: str) -> Graphs:
    """Read and check graphs, given the very folder that holds them (see `read_graphs`)."""
    listing = folder / GRAPHS_FILE
    option = '--quantize int8' if precision == 'int8' else f'--precision {precision}'
    again = f'Run: afformer export {option} with the model folder'
    if not listing.is_file():
        raise ModelFolderError(f'{folder} holds no exported graphs. {again}')
    fields = read_json(listing)
    if fields.get('version') != VERSION:
        raise ModelFolderError(
            f'the version of the graphs in {folder} is {fields.get("version")}; expected '
            f'{VERSION}. {again}'
        )
    if fields.get('weights_sha256') != description.weights_sha256:
        raise ModelFolderError(f'the graphs in {folder} were exported from other weights. {again}')
    if fields.get('architecture') != _architecture(description):
        raise ModelFolderError(
            f'the graphs in {folder} were exported for another architecture. {again}'
        )
    if fields.get('precision') != precision:
        raise ModelFolderError(
            f'the precision of the graphs in {folder} is {fields.get("precision")}; expected '
            f'{precision}. {again}'
        )
    hashes = fields.get('sha256')
    hashes = hashes if isinstance(hashes, dict) else {}
    for file in _FILES:
        path = folder / file
        if not path.is_file() or file_sha256(path) != hashes.get(file):
            raise ModelFolderError(f'{path} is missing or was altered since its export. {again}')
    sha256 = {name: str(hashes[f'{name}.onnx']) for name in GRAPH_NAMES}
    return Graphs(
        folder,
        precision,
        str(fields['base']),
        int(fields['opset']),
        float(fields['tolerance']),
        sha256,
        dict(fields['loss']),
    )


def write_graph_listing(
    folder: Path,
    description: ModelDescription,
    precision: str,
    opset: int,
    base: str | None = None,
    loss: Mapping[str, float] | None = None,
) -> None:
    """Write the listing of a folder's graphs, as the last step of their export (see `Graphs`).

    Args:
        folder: folder that holds them.
        description: description of the model.
        precision, opset, base, loss: see `Graphs`; the base is the precision where left out.
    """
    fields = {
        'version': VERSION,
        'weights_sha256': description.weights_sha256,
        'architecture': _architecture(description),
        'precision': precision,
        'base': base or precision,
        'opset': opset,
        'tolerance': TOLERANCES[precision],
        'loss': dict(loss or {}),
        'sha256': {file: file_sha256(folder / file) for file in _FILES},
    }
    write_aside(folder / GRAPHS_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def _architecture(description: ModelDescription) -> Any:
    """Return the architecture as it is read back from JSON, which makes lists of tuples."""
    return json.loads(json.dumps(description.configuration.to_json()))


def move_graphs(aside: Path, folder: Path) -> None:
    """Move complete graphs to their folder, which has no listing while they move."""
    folder.mkdir(exist_ok=True)
    (folder / GRAPHS_FILE).unlink(missing_ok=True)
    for file in (*_FILES, GRAPHS_FILE):
        (aside / file).replace(folder / file)


_FILES = (*(f'{name}.onnx' for name in GRAPH_NAMES), GOLDEN_OUTPUTS_FILE)
