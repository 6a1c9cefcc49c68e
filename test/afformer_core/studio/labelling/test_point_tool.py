# SPDX-License-Identifier: Apache-2.0
"""Clicks that become points."""

from __future__ import annotations

import pytest

from afformer_core.studio.labelling.point_tool import MarkingShape, PointTool


@pytest.fixture
def tool() -> PointTool:
    return PointTool()


@pytest.mark.parametrize('opposite', [(30, 20), (10, 40)])
def test_two_corners_are_a_box_of_ten_points(
    tool: PointTool, opposite: tuple[float, float]
) -> None:
    tool.shape = MarkingShape.BOX

    assert tool.click((20, 30)) == []
    points = tool.click(opposite)

    assert len(set(points)) == 10
    assert all(min(20, opposite[0]) < x < max(20, opposite[0]) for x, _ in points)
    assert all(min(30, opposite[1]) < y < max(30, opposite[1]) for _, y in points)
    assert tool.corners == []


def test_a_box_without_an_area_is_dropped(tool: PointTool) -> None:
    tool.shape = MarkingShape.BOX
    tool.click((20, 30))

    with pytest.raises(ValueError, match='enclose next to no area'):
        tool.click((20, 90))
    assert tool.corners == []


def test_an_outline_is_closed_and_needs_three_corners(tool: PointTool) -> None:
    tool.shape = MarkingShape.OUTLINE
    assert tool.close() == []
    tool.click((0, 0))
    tool.click((9, 0))
    with pytest.raises(ValueError, match='the outline has 2 corners; expected at least 3'):
        tool.close()

    for corner in ((0, 0), (9, 0), (0, 9)):
        tool.click(corner)
    assert len(tool.close()) == 10


def test_corners_are_taken_back_one_by_one_and_dropped_with_the_shape(tool: PointTool) -> None:
    tool.shape = MarkingShape.OUTLINE
    tool.click((0, 0))
    tool.click((9, 0))

    assert tool.take_back()
    assert tool.corners == [(0, 0)]
    tool.shape = MarkingShape.BOX
    assert not tool.take_back()
