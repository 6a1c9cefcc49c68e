# SPDX-License-Identifier: Apache-2.0
"""Pairs of a demonstration and a target image, and the choice of pairs to evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.pairs.negative_demonstrations import (
    demonstration_elsewhere,
    negative_groups,
)


@dataclass(frozen=True)
class Pair:
    """A demonstration and a target image.

    Attributes:
        sample: both of them, and their annotation.
        hard_negative: a sample of the same scene whose demonstration shows another element; if the
            data has no elements, one of the same image whose annotation lies elsewhere. None if
            there is no such sample.
        negative: a sample of another scene (or image), whose demonstration shows an element that
            is not in the image, or None if there is no other.
        companions: samples of the same image whose demonstrations show the same element, by other
            people or from other sides; only for data with elements.
    """

    sample: Sample
    hard_negative: Sample | None
    negative: Sample | None = None
    companions: tuple[Sample, ...] = ()


def choose_pairs(
    samples: Sequence[Sample], limit: int = 0, per_group: int = 0, seed: int = 0
) -> tuple[Pair, ...]:
    """Draw pairs, with those that share demonstrations next to each other.

    Args:
        samples: samples of a dataset.
        limit: number of scenes (or of images, if the data has no scenes), from the first of the
            dataset; 0: all.
        per_group: number of pairs of each, drawn at random; 0: all.
        seed: seed of the draws.

    Raises:
        ValueError: `limit` or `per_group` is negative.
    """
    if limit < 0 or per_group < 0:
        raise ValueError(f'limit is {limit} and pairs per scene {per_group}; expected at least 0')
    rng = np.random.default_rng(seed)
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    pairs: list[Pair] = []
    chosen = list(groups.values())[: limit or None]
    for group, negative in zip(chosen, negative_groups(chosen), strict=True):
        drawn = sorted(rng.permutation(len(group))[: per_group or None])
        pairs += [
            Pair(
                group[index],
                _swap(group[index], group, rng),
                negative[number % len(negative)] if negative else None,
                _companions(group[index], group),
            )
            for number, index in enumerate(drawn)
        ]
    return tuple(sorted(pairs, key=_demonstration_sampler))


def _swap(sample: Sample, group: Sequence[Sample], rng: np.random.Generator) -> Sample | None:
    scene = sample.scene
    if scene is None:
        return demonstration_elsewhere(sample, group)
    others = [
        other
        for other in group
        if other.scene is not None and other.scene.element != scene.element
    ]
    return others[rng.integers(len(others))] if others else None


def _companions(sample: Sample, group: Sequence[Sample]) -> tuple[Sample, ...]:
    scene = sample.scene
    if scene is None:
        return ()
    return tuple(
        other
        for other in group
        if other.scene is not None
        and other.scene.element == scene.element
        and other.image_path == sample.image_path
        and other.demonstration != sample.demonstration
    )


def _demonstration_sampler(pair: Pair) -> tuple[str, str]:
    return pair.sample.group, pair.sample.demonstration
