# SPDX-License-Identifier: Apache-2.0
"""The memory of a demonstration in whose first frame somebody marked the contact."""

from __future__ import annotations

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.models.configuration import CONTACT_CANDIDATES, AfformerConfiguration
from afformer_core.runtime.grounding import EncodedFrames
from afformer_core.runtime.matching.correspondence import compared_stages, describe
from afformer_core.runtime.matching.matched_session import MatchedMemory, MatchedSession
from afformer_core.runtime.session import Memory, Session

# Standard deviation of the contact around a mark, as a share of width and height.
_SPREAD = 0.03


def memorize_encoded(session: Session, encoded: EncodedFrames) -> Memory:
    """Compute the memory of a demonstration, for its marked contact if it has one.

    Args:
        session: session of the model.
        encoded: frames that the model encoded.

    Raises:
        DemonstrationError: the contact is marked, and the model has no matching network.
    """
    if encoded.contact is None:
        return session.memorize(encoded.features)
    if not isinstance(session, MatchedSession):
        raise DemonstrationError(
            'the contact is marked, but the model has no matching network; expected one, such as '
            'the shipped model. Leave the mark out'
        )
    decoder, matching = session.features.split(encoded.features)
    marked = describe_mark(matching[0], encoded.contact, session.features.matching)
    return MatchedMemory.of(session.decoder.memorize(decoder), marked)


def describe_mark(
    features: FloatArray, mark: Point, configuration: AfformerConfiguration
) -> Memory:
    """Compute the memory of the matching network for a mark.

    The likeliest positions are described as `Matcher.describe` does it, with a normal distribution
    around the mark for the contact head's.

    Args:
        features: float32 [C, h, w] of the first frame, as `encode_frames` computes them.
        mark: (x, y) of the contact, as shares of width and height.
        configuration: configuration of the matching network.
    """
    stages = compared_stages(features, configuration)
    height, width = (2 * side for side in stages[-1].shape[1:])
    rows, columns = np.mgrid[:height, :width]
    positions = np.stack(((columns + 0.5) / width, (rows + 0.5) / height), axis=-1).reshape(-1, 2)
    logits = -np.square(positions - mark).sum(axis=1) / (2 * _SPREAD**2)
    logits -= np.logaddexp.reduce(logits)
    likeliest = np.argsort(-logits, kind='stable')[:CONTACT_CANDIDATES]
    described = [
        np.concatenate([describe(stage, (float(x), float(y))) for stage in stages])
        for x, y in positions[likeliest]
    ]
    described.append(np.concatenate([stage.mean(axis=(1, 2)) for stage in stages]))
    keys = np.stack(described).astype(np.float32)
    values = np.append(logits[likeliest], 0.0).astype(np.float32)
    return Memory((keys[None],), (values[None, :, None],))
