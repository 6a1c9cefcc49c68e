# SPDX-License-Identifier: Apache-2.0
"""Outlines of masks, in pixels whose centres are integers."""

import numpy as np
import pytest

from afformer_sim.robot_benchmarks.benchmark_pair import is_near, outline_mask


def test_the_outline_of_a_rectangle_is_its_border() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 4:16] = True
    [outline] = outline_mask(mask)
    assert outline.min(axis=0) == pytest.approx([3.75, 4.75])
    assert outline.max(axis=0) == pytest.approx([15.25, 9.25])


def test_each_piece_has_an_outline_and_specks_have_none() -> None:
    mask = np.zeros((40, 40), bool)
    mask[2:12, 2:12] = mask[20:34, 20:30] = True
    mask[38, 2:4] = True
    outlines = sorted(outline_mask(mask), key=lambda outline: float(outline[0, 0]))
    assert [outline.mean(axis=0).round().tolist() for outline in outlines] == [[6, 6], [24, 26]]


def test_a_point_is_near_a_mask_within_the_distance() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5, 4] = True
    assert is_near(mask, np.array([7.0, 9.0]), 5.0)
    assert not is_near(mask, np.array([7.0, 9.0]), 4.9)
    assert not is_near(np.zeros((20, 30), bool), np.array([7.0, 9.0]), 100.0)
