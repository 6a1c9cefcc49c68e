# SPDX-License-Identifier: Apache-2.0
"""Counts and distributions of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from afformer_core.data.annotations import open_annotations
from afformer_core.data.clip_facts import ClipFacts
from afformer_core.dataset_page.counts import (
    distributions,
    headline,
    histogram,
    map_of_points,
    other_facts,
    size_counts,
)


def test_headline(pairs: Path) -> None:
    assert headline(open_annotations(pairs)) == {
        'samples': 4,
        'demonstrations': 3,
        'images': 3,
        'points': 5,
        'objects': 2,
    }


def test_facts(pairs: Path) -> None:
    facts = other_facts(open_annotations(pairs))
    assert facts['points for an action'] == '1 to 2, median 1'
    assert facts['images for a demonstration'] == '1 to 2, median 1'
    assert facts['demonstrations for an image'] == '1 to 2, median 1'


def test_bars(pairs: Path) -> None:
    clips = [ClipFacts((64, 48), 1.2, None), ClipFacts((64, 48), None, 3)]
    bars = {each.title: each.counts for each in distributions(open_annotations(pairs), clips)}
    assert bars == {
        'Actions of 4 samples': {'press': 2, 'turn': 1, 'pull': 1, 'lift': 0},
        'Sizes of 3 images, as annotated': {'64x48': 2, '32x24': 1},
        'Sizes of 2 opened clips': {'64x48': 2},
        'Lengths of 1 opened clips in seconds': {'1 to <2 s': 1},
        'Lengths of 1 opened clips in frames': {'2 to <4 frames': 1},
    }


def test_nothing_is_said_of_clips_that_were_not_opened(pairs: Path) -> None:
    titles = [each.title for each in distributions(open_annotations(pairs), [])]
    assert titles == ['Actions of 4 samples', 'Sizes of 3 images, as annotated']


def test_a_histogram_has_no_empty_margins_and_counts_an_edge_above_it() -> None:
    assert histogram([1.0, 1.9, 5.0], (1.0, 2.0, 4.0, 8.0, 16.0), ' s') == {
        '1 to <2 s': 2,
        '2 to <4 s': 0,
        '4 to <8 s': 1,
    }
    assert histogram([0.5, 16.0], (1.0, 16.0), '') == {
        '0 to <1': 1,
        '1 to <16': 0,
        '16 or more': 1,
    }


def test_rare_sizes_are_counted_together() -> None:
    sizes = [(side, side) for side in range(1, 11)] + [(10, 10)]
    counts = size_counts(sizes)
    assert next(iter(counts)) == '10x10'
    assert counts['10x10'] == 2
    assert counts['2 others'] == 2
    assert sum(counts.values()) == 11


def test_the_map_is_brightest_where_the_points_are(pairs: Path) -> None:
    # Points at (10, 20), (12, 22) and (31, 23) of 64x48, (1, 2) of 32x24, (40, 5.5) of 64x48.
    image = map_of_points(open_annotations(pairs)).image
    assert image.shape == (256, 256, 3)
    row, column = np.unravel_index(image.sum(axis=2).argmax(), (256, 256))
    assert abs(column - 45) < 8
    assert abs(row - 113) < 8
