# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a model folder: stored by its export, or computed on the CPU.

A matching network alone is compared with PyTorch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from afformer_core.arrays import FloatArray
from afformer_core.errors import ModelFolderError
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.golden.golden_images import (
    golden_frames,
    golden_image,
    golden_size,
)
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.matching.contact import ContactPositions
from afformer_core.runtime.matching.exemplar_file import read_exemplars
from afformer_core.runtime.matching.matcher import DescribedContact, heatmap_size
from afformer_core.runtime.matching.matching import Matching, encode_pyramid
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import (
    Differences,
    GoldenOutputs,
    SelfTestError,
    heatmap_differences,
)
from afformer_core.runtime.session import MatchingSession
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
    return make_golden_outputs(exact_networks(folder, with_matching))


def exact_networks(folder: Path, with_matching: bool = True) -> Networks:
    """Open a model in PyTorch in fp32, with its matching network if it has one that is wanted.

    Raises:
        ModelFolderError: the folder does not contain a valid model.
    """
    description = read_description(folder)
    networks = Networks(description.configuration, TorchSession.load(folder))
    beside = read_matching(folder, description) if with_matching else None
    if beside is None or description.matching is None:
        return networks
    session = TorchMatchingSession.load(folder / MATCHING_FOLDER)
    exemplars = read_exemplars(folder, description)
    matching = Matching(session, beside.configuration, description.matching, exemplars)
    return replace(networks, matching=matching)


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


def compare_matching(
    session: MatchingSession,
    exact: MatchingSession,
    configuration: MatchingConfiguration,
    allowed: Differences,
) -> Differences:
    """Compare the heatmaps of two sessions for a drawn demonstration and image.

    Args:
        session: the session to test.
        exact: a session of the same network in PyTorch in fp32.
        configuration: configuration of the network.
        allowed: largest allowed differences of the heatmap and its peak.

    Returns:
        the differences; 0 for actions and presence, which the network does not compute.

    Raises:
        SelfTestError: a difference is larger than allowed, or not finite.
    """
    found, expected = (_heatmap(tested, configuration) for tested in (session, exact))
    heatmap, peak = heatmap_differences(found[None], expected[None], 0)
    differences = Differences(heatmap, peak, 0.0, 0.0)
    if wrong := differences.beyond(allowed):
        raise SelfTestError(
            f'{session.backend} does not reproduce the matching network, it differs in {wrong}. '
            'Choose another precision or another backend'
        )
    return differences


def _heatmap(session: MatchingSession, configuration: MatchingConfiguration) -> FloatArray:
    size = golden_size(configuration)
    frames = golden_frames(configuration.input_size)[: configuration.maximum_frames]
    positions = ContactPositions.found(session.find_contact(session.encode(frames)))
    first_frame = encode_pyramid(session, configuration, golden_frames(size)[0])
    contact = DescribedContact.of(first_frame, positions, size)
    image = encode_pyramid(session, configuration, golden_image(size))
    return contact.match(image, heatmap_size(size)).logits
