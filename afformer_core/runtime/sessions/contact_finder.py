# SPDX-License-Identifier: Apache-2.0
"""The contact head of a matching network, which always runs on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.runtime.graphs import CONTACT_GRAPH, GRAPHS_FILE, graphs_folder, read_graphs
from afformer_core.runtime.matching.matched_session import ContactFinder

if TYPE_CHECKING:
    from afformer_core.runtime.graphs import Graphs


def open_contact_finder(folder: Path, precision: str, threads: int = 0) -> ContactFinder:
    """Open the contact head of a matching network.

    It runs with ONNX Runtime if graphs of the precision were exported, or else with PyTorch.

    Args:
        folder: folder of the matching network.
        precision: 'fp32', 'fp16' or 'bf16'.
        threads: number of threads of ONNX Runtime; 0: chosen by ONNX Runtime.

    Raises:
        ModelFolderError: the folder does not contain a valid matching network, or a graph was
            modified.
    """
    # ONNX Runtime has no convolutions in bf16.
    if precision != 'bf16' and (graphs_folder(folder, precision) / GRAPHS_FILE).is_file():
        return onnx_contact_finder(read_graphs(folder, precision), threads)
    return _torch_contact_finder(folder)


def onnx_contact_finder(graphs: Graphs, threads: int = 0) -> ContactFinder:
    """Open the contact head of exported graphs."""
    from afformer_core.runtime.sessions.onnx_session import open_graph

    session = open_graph(graphs, CONTACT_GRAPH, threads)
    return lambda features: np.asarray(session.run(None, {'features': features})[0], np.float32)


def _torch_contact_finder(folder: Path) -> ContactFinder:
    import torch

    from afformer_core.models.matching.matching_decoder import MatchingDecoder
    from afformer_core.runtime.sessions.torch_session import prepared_model

    decoder = prepared_model(folder, 'fp32').decoder
    assert isinstance(decoder, MatchingDecoder)

    def find(features: FloatArray) -> FloatArray:
        with torch.inference_mode():
            found = decoder.find_contact(torch.from_numpy(features)[None])
        return np.asarray(found[0].numpy(), np.float32)

    return find
