# SPDX-License-Identifier: Apache-2.0
"""Sampler of negatives: images that do not show a demonstration's object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample


class NegativeSampler:
    """A sampler of negatives.

    As in an evaluation (`negative_groups`), the samples' `object_id` identifies objects if all
    have one. Otherwise demonstrations in different folders show different objects, as in OPRA,
    AssistQ and the simulator, which have a folder for each object. Images or scenes that share a
    folder count as one object; if that leaves a single object, images or scenes that share a
    demonstration count as one instead.

    Args:
        samples: samples of a dataset.

    Raises:
        DatasetError: all samples show, or may show, one object.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        groups = [sample.group for sample in samples]
        known = [sample.object_id for sample in samples if sample.object_id is not None]
        if len(known) == len(samples):
            objects = _parts(groups, known)
        else:
            objects = _parts(groups, [str(sample.video_path.parent) for sample in samples])
            if len(set(objects)) < 2:
                objects = _parts(groups, [sample.demonstration for sample in samples])
        if len(set(objects)) < 2:
            raise DatasetError(
                'all samples may show one object, so no image is known to be a negative. Set '
                'data.negative_targets to 0'
            )
        self._objects = np.array(objects)

    def draw(self, index: int, count: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Draw indices of samples of other objects, with repetition if there are too few."""
        others = np.flatnonzero(self._objects != self._objects[index])
        return tuple(rng.choice(others, count, replace=count > len(others)).tolist())


def _parts(groups: Sequence[str], links: Sequence[str]) -> list[int]:
    """Assign a number to each sample, the same for groups that are connected by links."""
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parents.setdefault(node, node) != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for group, link in zip(groups, links, strict=True):
        parents[root(('group', group))] = root(('link', link))
    roots = [root(('group', group)) for group in groups]
    numbers = {root_name: number for number, root_name in enumerate(dict.fromkeys(roots))}
    return [numbers[root_of_sample] for root_of_sample in roots]
