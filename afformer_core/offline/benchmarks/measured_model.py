# SPDX-License-Identifier: Apache-2.0
"""Copy of a model folder for measurements, with the graphs that the variants need."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder, read_graphs
from afformer_core.runtime.model_folder import DESCRIPTION_FILE, WEIGHTS_FILE, network_folders


def copy_with_graphs(
    folder: Path, copy: Path, variants: Sequence[InferenceVariant]
) -> dict[InferenceVariant, str]:
    """Copy a model folder with its graphs, and export missing graphs that the variants need.

    Args:
        folder: model folder; it is only read.
        copy: the new folder.
        variants: variants that will be measured.

    Returns:
        reasons why variants cannot be measured; the others may be tried.

    Raises:
        ModelFolderError: the folder does not contain a valid model.
    """
    networks = {network: copy / network.relative_to(folder) for network in network_folders(folder)}
    for network, copied in networks.items():
        copied.mkdir()
        for file in (DESCRIPTION_FILE, WEIGHTS_FILE):
            shutil.copy(network / file, copied)
    has_gpu = torch.cuda.is_available()
    impossible = {variant: 'no GPU' for variant in variants if variant.on_gpu and not has_gpu}
    measured = [
        variant for variant in variants if variant.needs_graphs and variant not in impossible
    ]
    for precision in sorted({variant.precision_of_graphs for variant in measured}):
        try:
            for network, copied in networks.items():
                _bring_graphs(network, copied, precision)
        except (AfformerError, ImportError, OSError, ValueError) as error:
            impossible |= {
                variant: str(error)
                for variant in measured
                if variant.precision_of_graphs == precision
            }
    return impossible


def _bring_graphs(folder: Path, copy: Path, precision: str) -> None:
    try:
        graphs = read_graphs(folder, precision)
    except ModelFolderError:
        from afformer_core.runtime.export.export import export_graphs

        export_graphs(copy, precision)
        return
    copied = graphs_folder(copy, precision)
    copied.mkdir(exist_ok=True)
    for file in (*graphs.files, GRAPHS_FILE):
        shutil.copy(graphs.folder / file, copied)
