# SPDX-License-Identifier: Apache-2.0
"""The contents of a dataset page: distributions, issues, figures and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_EXAMPLES = 5

RgbImage = NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""


@dataclass(frozen=True)
class Bars:
    """The bars of a distribution.

    Attributes:
        title: title with the counted quantity and the total.
        counts: counts by the name of a bar, in the order in which they are drawn; not negative.
    """

    title: str
    counts: Mapping[str, int]

    def __post_init__(self) -> None:
        if any(count < 0 for count in self.counts.values()):
            raise ValueError(f'counts of {self.title!r} are {self.counts}; expected at least 0')


@dataclass(frozen=True)
class DatasetIssue:
    """An issue of a dataset that matters before training.

    Attributes:
        kind: kind of the issue, such as `images that are missing`.
        count: number of occurrences, at least 1.
        examples: the first few names; at least one.
    """

    kind: str
    count: int
    examples: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.count < 1 or not self.examples:
            raise ValueError(
                f'count of {self.kind!r} is {self.count}, with {len(self.examples)} examples; '
                'expected at least 1 of each'
            )

    @classmethod
    def of(cls, kind: str, names: Sequence[str], count: int | None = None) -> list[DatasetIssue]:
        """Return one issue, or none if there is nothing to name.

        Args:
            kind: see `DatasetIssue`.
            names: names of all occurrences, of which the first five are kept.
            count: number of occurrences, if it differs from the number of names.
        """
        if not names:
            return []
        return [cls(kind, len(names) if count is None else count, tuple(names[:_EXAMPLES]))]


@dataclass(frozen=True)
class Figure:
    """An image with a caption."""

    caption: str
    image: RgbImage


@dataclass(frozen=True)
class Card:
    """A sample.

    Attributes:
        title: name of the sample.
        groups: groups for filtering, such as the names of its actions.
        facts: short texts about it.
        frames: frames of its demonstration, in order; may be none.
        figures: figures of its target image; may be none.
        problem: reason why something is not shown; empty if everything is shown.
    """

    title: str
    groups: tuple[str, ...]
    facts: tuple[str, ...]
    frames: tuple[RgbImage, ...]
    figures: tuple[Figure, ...]
    problem: str = ''


@dataclass(frozen=True)
class DatasetPage:
    """The contents of the page of a dataset.

    Attributes:
        title: name of the dataset.
        headline: the most important counts by name.
        facts: further facts by name.
        issues: issues that were found.
        scope: description of the checks and their extent, in a sentence.
        distributions: distributions of its contents.
        maps: images of the whole dataset.
        cards: samples, in the order in which they are shown.
        how: description of the choice of samples, in a sentence.
    """

    title: str
    headline: Mapping[str, int]
    facts: Mapping[str, str]
    issues: Sequence[DatasetIssue]
    scope: str
    distributions: Sequence[Bars]
    cards: Sequence[Card]
    how: str
    maps: Sequence[Figure] = field(default=())
