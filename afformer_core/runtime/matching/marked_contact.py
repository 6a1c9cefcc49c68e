# SPDX-License-Identifier: Apache-2.0
"""The memory of a demonstration whose contact was marked, or read from its frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point
from afformer_core.models.configuration import CONTACT_CANDIDATES, AfformerConfiguration
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.grounding import Peak
from afformer_core.runtime.matching.correspondence import compared_stages, describe
from afformer_core.runtime.matching.matched_session import MatchedMemory, MatchedSession
from afformer_core.runtime.peaks import NEIGHBOURHOOD, find_peaks
from afformer_core.runtime.session import Memory, Session

# Standard deviation of the contact around a mark, as a share of width and height.
_SPREAD = 0.03
_IMPOSSIBLE = -50.0


def memorize_encoded(session: Session, encoded: EncodedFrames) -> Memory:
    """Compute the memory of a demonstration, with its contact if that was marked or read.

    Args:
        session: session of the model.
        encoded: encoded frames.

    Raises:
        DemonstrationError: the contact is marked, and the model has no matching network.
    """
    if not isinstance(session, MatchedSession):
        if encoded.contact is None:
            return session.memorize(encoded.features)
        raise DemonstrationError(
            'the contact is marked, but the model has no matching network; expected one, such as '
            'the shipped model. Leave the mark out'
        )
    if encoded.contact is None and encoded.contact_map is None:
        return session.memorize(encoded.features)
    decoder, matching = session.features.split(encoded.features)
    configuration = session.features.matching
    if encoded.contact is not None:
        marked = describe_mark(matching[0], encoded.contact, configuration)
        # A marked contact needs no exemplars.
        return MatchedMemory.of(session.decoder.memorize(decoder), marked)
    assert encoded.contact_map is not None
    read = describe_map(matching[0], encoded.contact_map, configuration)
    return session.with_contact(decoder, matching, read)


def describe_mark(
    features: FloatArray, mark: Point, configuration: AfformerConfiguration
) -> Memory:
    """Compute the memory of the matching network for a mark.

    Like `Matcher.describe`, this describes the most probable positions, but with a normal
    distribution around the mark instead of the output of the contact head.

    Args:
        features: float32 [C, h, w] of the first frame, as `encode_frames` computes them.
        mark: (x, y) of the contact, as shares of width and height.
        configuration: configuration of the matching network.
    """
    stages = compared_stages(features, configuration)
    height, width = (2 * side for side in stages[-1].shape[1:])
    rows, columns = np.mgrid[:height, :width]
    positions = np.stack(((columns + 0.5) / width, (rows + 0.5) / height), axis=-1)
    logits = -np.square(positions - mark).sum(axis=2) / (2 * _SPREAD**2)
    return _described(stages, logits)


def describe_map(
    features: FloatArray, contact_map: FloatArray, configuration: AfformerConfiguration
) -> Memory:
    """Compute the memory of the matching network for a contact that was read.

    The most probable position and its neighbourhood are described, weighted by their
    probabilities. Other peaks are left out, because the result would otherwise be a mean of two
    different parts.

    Args:
        features: see `describe_mark`.
        contact_map: log-probability of the contact over the first frame, [rows, columns].
        configuration: configuration of the matching network.
    """
    stages = compared_stages(features, configuration)
    height, width = (2 * side for side in stages[-1].shape[1:])
    logits = on_grid(contact_map, (height, width))
    near = _around_maximum(logits)
    return _described(stages, np.where(near, logits - logits.max(), _IMPOSSIBLE))


def contact_probability(encoded: EncodedFrames) -> float | None:
    """Compute the probability, 0 to 1, that the memory contains the right contact.

    This is the probability of the contact map around its maximum. None if the contact was not
    read, or was marked and is therefore certain.
    """
    if encoded.contact is not None or encoded.contact_map is None:
        return None
    logits = encoded.contact_map - encoded.contact_map.max()
    shares = np.exp(logits, dtype=np.float64)
    return float(shares[_around_maximum(logits)].sum() / shares.sum())


def contact_peaks(encoded: EncodedFrames, maximum: int) -> tuple[Peak, ...]:
    """Find the most probable contacts that were read, in pixels of the first frame, best first.

    The result is empty if the contact was not read, or was marked.

    Args:
        encoded: encoded frames.
        maximum: largest number of peaks, at least 1.
    """
    if encoded.contact is not None or encoded.contact_map is None:
        return ()
    height, width = encoded.contact_map.shape
    shares = np.exp(on_grid(encoded.contact_map, (height, width)))
    return find_peaks(shares, encoded.size, maximum)


def _around_maximum(logits: FloatArray) -> NDArray[np.bool_]:
    """Find the cells within a tenth of the sides of the maximum."""
    height, width = logits.shape
    row, column = divmod(int(logits.argmax()), width)
    rows, columns = np.mgrid[:height, :width]
    away = np.hypot((rows - row) / height, (columns - column) / width)
    return np.asarray(away <= NEIGHBOURHOOD)


def on_grid(contact_map: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Compute the log-probability of a contact map on a grid of (height, width).

    Args:
        contact_map: log-probability [rows, columns], of any scale.
        size: (height, width) of the result.
    """
    shares = np.exp(contact_map - contact_map.max())
    resized = cv2.resize(shares.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(np.log(np.maximum(resized / resized.sum(), 1e-20)), np.float32)


def _described(stages: list[FloatArray], logits: FloatArray) -> Memory:
    """Describe the most probable positions of logits [h, w]."""
    height, width = logits.shape
    flat = logits.ravel() - np.logaddexp.reduce(logits, axis=None)
    likeliest = np.argsort(-flat, kind='stable')[:CONTACT_CANDIDATES]
    described = [
        np.concatenate(
            [describe(stage, ((x + 0.5) / width, (y + 0.5) / height)) for stage in stages]
        )
        for y, x in (divmod(int(index), width) for index in likeliest)
    ]
    described.append(np.concatenate([stage.mean(axis=(1, 2)) for stage in stages]))
    keys = np.stack(described).astype(np.float32)
    values = np.append(flat[likeliest], 0.0).astype(np.float32)
    return Memory((keys[None],), (values[None, :, None],))
