# SPDX-License-Identifier: Apache-2.0
"""The comparison of a session of a matching network with PyTorch in fp32."""

from __future__ import annotations

from afformer_core.arrays import FloatArray
from afformer_core.errors import ModelFolderError
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.golden.differences import Differences
from afformer_core.runtime.golden.golden_images import golden_frames, golden_image
from afformer_core.runtime.matching.descriptors import describe_contact
from afformer_core.runtime.matching.matcher import correlate
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
    frames = golden_frames(configuration.input_size)[: configuration.maximum_frames]
    stages = session.encode(frames)
    contact = describe_contact(tuple(stage[0] for stage in stages), session.find_contact(stages))
    image = session.encode(golden_image(configuration.input_size)[None])
    return correlate(contact, tuple(stage[0] for stage in image), configuration.contact_size)
