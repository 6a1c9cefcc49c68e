# SPDX-License-Identifier: Apache-2.0
"""The matcher: positions in an image that are similar to a contact.

The cosine of a pretrained backbone's features identifies corresponding positions in real images,
after the mean over both images, which contains the features that all positions share, is
subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.models.matching.configuration import COMPARED_STAGES
from afformer_core.runtime.features import Stages
from afformer_core.runtime.matching.descriptors import ContactDescriptors, corners_around

SIMILARITY_WEIGHT = 20.0
"""Factor of a similarity in the logits of the positions."""
_CONTACT_WEIGHT = 2.0
_LEAST_LENGTH = 1e-12


def similarity_maps(
    descriptors: Sequence[FloatArray],
    means: Sequence[FloatArray],
    stages: Stages,
    size: tuple[int, int],
) -> FloatArray:
    """Compute the similarity of each position of an image to each of K descriptors.

    Args:
        descriptors: descriptors in each compared stage, each float32 [K, C].
        means: mean features of the image of the descriptors, each float32 [C].
        stages: stages of the image, coarse to fine, each float32 [C, h, w].
        size: (height, width) of the result.

    Returns:
        float32 [height, width, K], the mean over the stages of the cosine of features from which
        the mean of both images was subtracted; -1 to 1.
    """
    height, width = size
    total = np.zeros((height, width, len(descriptors[0])), np.float32)
    compared = zip(descriptors, means, stages[: len(descriptors)], strict=True)
    for described, mean, stage in compared:
        common = _common_mean(stage, mean)
        cosines = _cosines(described - common, stage - common[:, None, None])
        total += cv2.resize(cosines, (width, height), interpolation=cv2.INTER_LINEAR).reshape(
            total.shape
        )
    return np.asarray(total / len(descriptors), np.float32)


def correlate(contact: ContactDescriptors, stages: Stages, size: tuple[int, int]) -> FloatArray:
    """Compute logits of the positions in an image that correspond to a contact.

    Args:
        contact: descriptors of the contact.
        stages: stages of the image, coarse to fine, each float32 [C, h, w].
        size: (height, width) of the result.

    Returns:
        float32 [height, width].
    """
    scores = SIMILARITY_WEIGHT * similarity_maps(contact.candidates, contact.means, stages, size)
    scores += _CONTACT_WEIGHT * contact.log_probabilities
    highest = scores.max(axis=2)
    scores -= highest[:, :, None]
    return np.asarray(highest + np.log(np.exp(scores, out=scores).sum(axis=2)), np.float32)


def contact_similarity(
    contact: ContactDescriptors, stages: Stages, position: tuple[float, float]
) -> float:
    """Compute the similarity between a contact and a position of an image, -1 to 1.

    This is the similarity of `similarity_maps`. If several positions of the contact are possible,
    their similarities are weighted by their probabilities.

    Args:
        contact: descriptors of the contact.
        stages: stages of the image, coarse to fine, each float32 [C, h, w].
        position: (x, y) in the image, as shares of its width and height.
    """
    levels = []
    compared = zip(contact.candidates, contact.means, stages[:COMPARED_STAGES], strict=True)
    for candidates, mean, stage in compared:
        common = _common_mean(stage, mean)
        corners, across, down = corners_around(stage, position)
        cosines = _cosines(candidates - common, corners - common[:, None, None])
        levels.append(np.einsum('yxk,x,y->k', cosines, across, down))
    similarities = np.mean(levels, axis=0)
    logits = contact.log_probabilities + SIMILARITY_WEIGHT * similarities
    shares = np.exp(logits - logits.max())
    return float(shares @ similarities / shares.sum())


def _common_mean(stage: FloatArray, mean: FloatArray) -> FloatArray:
    return np.asarray((stage.mean(axis=(1, 2)) + mean) / 2, np.float32)


def _cosines(descriptors: FloatArray, features: FloatArray) -> FloatArray:
    """Compute the cosines [h, w, K] of descriptors [K, C] and the positions of features."""
    positions = features.reshape(len(features), -1)
    lengths = np.sqrt(np.square(positions).sum(axis=0))[:, None] * np.linalg.norm(
        descriptors, axis=1
    )
    products = positions.T @ descriptors.T / np.maximum(lengths, _LEAST_LENGTH)
    return np.asarray(products.reshape(*features.shape[1:], -1), np.float32)
