# SPDX-License-Identifier: Apache-2.0
"""The exported graphs of a network: ONNX files for each precision.

The graphs of a model have golden outputs beside them. Graphs in fp32 are in the folder itself and
read their weights from its `model.safetensors`; others are in a subfolder with the name of the
precision and contain their weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.runtime.model_folder import (
    DESCRIPTION_FILE,
    MATCHING_FOLDER,
    ModelDescription,
    NetworkDescription,
    checked_weights_path,
    read_json,
    read_network,
)
from afformer_core.runtime.self_test import GOLDEN_OUTPUTS_FILE

GRAPHS_FILE = 'graphs.json'
# Increases whenever new graphs of the same weights would differ: in the layout of a memory, in the
# golden outputs, or because the code of a network computes something else. Graphs of another
# version are exported again.
VERSION = 9


@dataclass(frozen=True)
class Graphs:
    """Exported graphs whose files are complete.

    Attributes:
        folder: folder of the graphs and their golden outputs.
        precision: 'fp32', 'fp16' or 'bf16'.
        opset: ONNX opset.
        sha256: hash of each graph by name, in hexadecimal.
        files: names of the files, without the listing.
    """

    folder: Path
    precision: str
    opset: int
    sha256: Mapping[str, str]
    files: tuple[str, ...]

    def path(self, name: str) -> Path:
        """Return the path of a graph, one of the keys of `sha256`."""
        return self.folder / f'{name}.onnx'


def graphs_folder(folder: Path, precision: str) -> Path:
    """Return the folder of a model's graphs in a precision."""
    return folder if precision == 'fp32' else folder / precision


def precision_of_graphs(backend: str, precision: str) -> str:
    """Return the precision of the graphs that a backend runs to compute in a precision.

    OpenVINO computes graphs in fp32 in the precision that it is told.
    """
    return 'fp32' if backend == 'openvino' else precision


def read_graphs(folder: Path, precision: str = 'fp32') -> Graphs:
    """Read the listing of a network's graphs and check their files.

    Raises:
        ModelFolderError: no graphs were exported, a file is missing or altered, or they belong to
            other weights, another architecture or another version; the message names the command
            to run.
    """
    return graphs_of(graphs_folder(folder, precision), read_network(folder), precision)


def graphs_of(folder: Path, description: NetworkDescription, precision: str) -> Graphs:
    """Read and check the graphs in exactly this folder (see `read_graphs`)."""
    listing = folder / GRAPHS_FILE
    again = f'Run: {export_command(folder, precision)}'
    if not listing.is_file():
        raise ModelFolderError(f'{folder} contains no exported graphs. {again}')
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
    for file in _files(description):
        path = folder / file
        if not path.is_file() or file_sha256(path) != hashes.get(file):
            raise ModelFolderError(f'{path} is missing or was altered since its export. {again}')
    if precision == 'fp32':
        checked_weights_path(folder, description)
    sha256 = {name: str(hashes[f'{name}.onnx']) for name in description.graph_names}
    return Graphs(folder, precision, int(fields['opset']), sha256, _files(description))


def export_command(folder: Path, precision: str) -> str:
    """Return the command that exports the graphs of a model again.

    Args:
        folder: folder of the graphs (see `graphs_folder`).
        precision: their precision.
    """
    model = folder if precision == 'fp32' else folder.parent
    if model.name == MATCHING_FOLDER and (model.parent / DESCRIPTION_FILE).is_file():
        model = model.parent
    option = '' if precision == 'fp32' else f' --precision {precision}'
    return f'afformer export {model}{option}'


def write_graph_listing(
    folder: Path, description: NetworkDescription, precision: str, opset: int
) -> None:
    """Write the listing of a folder's graphs, as the last step of their export (see `Graphs`).

    Args:
        folder: folder that holds them.
        description: description of the model.
        precision, opset: see `Graphs`.
    """
    fields = {
        'version': VERSION,
        'weights_sha256': description.weights_sha256,
        'architecture': _architecture(description),
        'precision': precision,
        'opset': opset,
        'sha256': {file: file_sha256(folder / file) for file in _files(description)},
    }
    write_aside(folder / GRAPHS_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def _architecture(description: NetworkDescription) -> Any:
    """Return the architecture as it would be read from JSON, with lists instead of tuples."""
    return json.loads(json.dumps(description.configuration.to_json()))


def move_graphs(aside: Path, folder: Path, description: NetworkDescription) -> None:
    """Move complete graphs to their folder, which has no listing meanwhile."""
    folder.mkdir(exist_ok=True)
    (folder / GRAPHS_FILE).unlink(missing_ok=True)
    for file in (*_files(description), GRAPHS_FILE):
        (aside / file).replace(folder / file)


def _files(description: NetworkDescription) -> tuple[str, ...]:
    graphs = tuple(f'{name}.onnx' for name in description.graph_names)
    # A matching network has no output of its own that a user would see.
    return (*graphs, GOLDEN_OUTPUTS_FILE) if isinstance(description, ModelDescription) else graphs
