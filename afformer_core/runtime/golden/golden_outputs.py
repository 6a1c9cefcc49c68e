# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a model folder: stored by its export, or computed on the CPU."""

from __future__ import annotations

from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.golden.golden_images import (
    golden_frames,
    golden_image,
    golden_size,
)
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.matching.exemplar_file import read_exemplars
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import GoldenOutputs
from afformer_core.runtime.session import Session
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession

_FRAMES = 4


def golden_outputs(
    folder: Path, precision: str = 'fp32', with_matching: bool = True
) -> GoldenOutputs:
    """Return the golden outputs, of PyTorch in fp32, with which to test a precision of a model.

    Args:
        folder: the model folder.
        precision: precision of the network of the folder.
        with_matching: whether the matching network is part of the model, if it has one.

    Raises:
        ModelFolderError: the folder has no valid model.
    """
    description = read_description(folder)
    matching = read_matching(folder, description) if with_matching else None
    size = golden_size((matching or description).configuration)
    for exported in dict.fromkeys((precision, 'fp32')):
        try:
            golden = GoldenOutputs.read(read_graphs(folder, exported).folder)
        except ModelFolderError:
            # There are no graphs, or they belong to other weights. A broken folder raises its own
            # error below.
            continue
        if golden.size == size:
            return golden
    if with_matching:
        return make_golden_outputs(exact_networks(folder))
    return make_golden_outputs(Networks(description.configuration, TorchSession.load(folder)))


def exact_networks(folder: Path, decoder: Session | None = None) -> Networks:
    """Open a model in PyTorch in fp32, with its matching network if it has one.

    Args:
        folder: the model folder.
        decoder: session of the network of the folder itself; None for PyTorch.

    Raises:
        ModelFolderError: the folder does not contain a valid model.
    """
    description = read_description(folder)
    beside = read_matching(folder, description)
    session = TorchSession.load(folder) if decoder is None else decoder
    if beside is None or description.matching is None:
        return Networks(description.configuration, session)
    matching = Matching(
        TorchMatchingSession.load(folder / MATCHING_FOLDER),
        beside.configuration,
        description.matching,
        read_exemplars(folder, description),
    )
    return Networks(description.configuration, session, matching)


def make_golden_outputs(networks: Networks) -> GoldenOutputs:
    """Compute the outputs of networks for a drawn image and demonstrations of several lengths.

    One demonstration has the maximum number of frames of the model, and one has a single frame.
    Two have two frames, if the model accepts two.
    """
    size = golden_size((networks.matching or networks).configuration)
    most = networks.configuration.maximum_frames
    longest = tuple(number % _FRAMES for number in range(most))
    clips = dict.fromkeys(((1,), (0, 1)[-most:], (2, 3)[-most:], longest))
    return GoldenOutputs.of(networks, golden_frames(size), golden_image(size), tuple(clips))
