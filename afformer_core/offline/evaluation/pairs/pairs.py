# SPDX-License-Identifier: Apache-2.0
"""Pairs of a demonstration and a target image, with negative demonstrations of other elements."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import distances

# In percent of the image's diagonal. Marks of the same contact point by different people differ by
# a few percent.
_ELSEWHERE = 10.0

_Marks = AbstractSet[object]


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
    return tuple(sorted(pairs, key=lambda pair: (pair.sample.group, pair.sample.demonstration)))


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


def demonstration_elsewhere(sample: Sample, group: Sequence[Sample]) -> Sample | None:
    """Find another demonstration of the same image, for an element elsewhere in it.

    An element is elsewhere if its points are on average farther than a tenth of the diagonal from
    the nearest point of the sample; closer points may belong to the same element. Of several
    demonstrations, the next one in the order of their names is used.

    Args:
        sample: sample of the group.
        group: all samples of an image.

    Returns: the sample; None if no demonstration shows an element elsewhere.
    """
    others = [other for other in group if other.demonstration != sample.demonstration]
    own = sample.demonstration
    # Starts after the sample's own demonstration, and wraps around.
    others.sort(key=lambda other: (other.demonstration < own, other.demonstration))
    return next((other for other in others if _lies_elsewhere(sample, other)), None)


def negative_groups(groups: Sequence[Sequence[Sample]]) -> list[Sequence[Sample]]:
    """Find the next group with another object for each group; empty if there is none.

    If all samples have an `object_id`, it identifies the objects. Otherwise, groups certainly show
    different objects if their demonstrations lie in different folders, because OPRA, AssistQ and
    the simulator have a folder for each object. If there is no such group, the next one without a
    common demonstration is used.

    Args:
        groups: the samples of each image or scene.
    """
    marks = _marks(groups)
    return [
        groups[other] if other is not None else []
        for other in (_next_apart(number, *marks) for number in range(len(groups)))
    ]


def _marks(groups: Sequence[Sequence[Sample]]) -> tuple[Sequence[_Marks], Sequence[_Marks]]:
    """Return the marks of each group that identify its object."""
    objects = [{sample.object_id for sample in group} for group in groups]
    if not any(None in names for names in objects):
        return objects, objects
    names = [{sample.demonstration for sample in group} for group in groups]
    folders = [{sample.video_path.parent for sample in group} for group in groups]
    return names, folders


def _next_apart(number: int, names: Sequence[_Marks], folders: Sequence[_Marks]) -> int | None:
    """Find the index of the next group, starting at `number` and wrapping around."""
    fallback = None
    for step in range(1, len(names)):
        other = (number + step) % len(names)
        if names[number].isdisjoint(names[other]):
            if folders[number].isdisjoint(folders[other]):
                return other
            fallback = other if fallback is None else fallback
    return fallback


def _lies_elsewhere(sample: Sample, other: Sample) -> bool:
    own = np.concatenate(sample.points)
    scale = np.divide(sample.image_size, other.image_size)
    points = np.concatenate(other.points) * scale
    return bool(distances(own, points, sample.image_size).mean() > _ELSEWHERE)
