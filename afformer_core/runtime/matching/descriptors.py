# SPDX-License-Identifier: Apache-2.0
"""Descriptors of a contact: features at its most probable positions in a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.models.matching.configuration import COMPARED_STAGES, CONTACT_CANDIDATES
from afformer_core.runtime.features import Stages
from afformer_core.runtime.matching.correspondence import describe


@dataclass(frozen=True, eq=False)
class ContactDescriptors:
    """Features at the K most probable positions of a demonstration's contact.

    Attributes:
        candidates: features at the positions in each compared stage, each float32 [K, C].
        log_probabilities: log-probability of each position, float32 [K].
        means: mean features of the frame in each compared stage, each float32 [C].

    Raises:
        ValueError: the numbers of stages, candidates or channels differ.
    """

    candidates: tuple[FloatArray, ...]
    log_probabilities: FloatArray
    means: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        expected = [(len(self.log_probabilities), len(mean)) for mean in self.means]
        found = [candidates.shape for candidates in self.candidates]
        if not found or found != expected:
            raise ValueError(
                f'the candidates have the shapes {found}; expected {expected}, as the '
                'probabilities and the means have, for at least one stage'
            )


def describe_contact(stages: Stages, logits: FloatArray) -> ContactDescriptors:
    """Describe the most probable positions of a contact.

    Args:
        stages: stages of the frame, coarse to fine, each float32 [C, h, w].
        logits: logits of the contact in the frame, float32 [rows, columns].
    """
    height, width = logits.shape
    flat = logits.ravel() - np.logaddexp.reduce(logits, axis=None)
    likeliest = np.argsort(-flat, kind='stable')[:CONTACT_CANDIDATES]
    positions = [
        ((x + 0.5) / width, (y + 0.5) / height)
        for y, x in (divmod(int(index), width) for index in likeliest)
    ]
    compared = stages[:COMPARED_STAGES]
    return ContactDescriptors(
        tuple(
            np.stack([describe(stage, position) for position in positions]) for stage in compared
        ),
        flat[likeliest].astype(np.float32),
        tuple(stage.mean(axis=(1, 2)) for stage in compared),
    )
