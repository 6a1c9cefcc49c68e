# SPDX-License-Identifier: Apache-2.0
"""The comparison of a session of a matching network with PyTorch in fp32."""

from __future__ import annotations

from afformer_core.arrays import FloatArray
from afformer_core.errors import ModelFolderError
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.golden.differences import Differences
from afformer_core.runtime.golden.golden_images import (
    golden_frames,
    golden_image,
    golden_size,
)
from afformer_core.runtime.matching.contact import ContactPositions
from afformer_core.runtime.matching.matcher import DescribedContact, heatmap_size
from afformer_core.runtime.matching.matching import encode_pyramid
from afformer_core.runtime.self_test import heatmap_differences
from afformer_core.runtime.session import MatchingSession


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
        ModelFolderError: a difference is larger than allowed, or not finite.
    """
    found, expected = (_heatmap(tested, configuration) for tested in (session, exact))
    heatmap, peak = heatmap_differences(found[None], expected[None], 0)
    differences = Differences(heatmap, peak, 0.0, 0.0)
    if wrong := differences.beyond(allowed):
        raise ModelFolderError(
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
