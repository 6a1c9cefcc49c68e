# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.outputs.markers import marker_messages

from ..messages.conftest import NO_DEPTH, ON_TABLE, header_of

ARROW, SPHERE, LINE_STRIP, TEXT = 0, 2, 4, 9
ADD, DELETE_ALL = 0, 3
UNKNOWN = PartMotion.unknown('no depth is received')
INTO = np.array([0.0, 0.0, 1.0])


def _markers(factory, result, position_frame='base', motion=UNKNOWN):
    position_header = header_of(factory, position_frame)
    motions = [motion] * len(result.surfaces)
    message = marker_messages(
        factory, result, motions, header_of(factory), position_header, (48, 64)
    )
    return message.markers


def _kind(markers, kind):
    return [marker for marker in markers[1:] if marker.type == kind]


def _position(point):
    return (point.x, point.y, point.z)


def test_what_was_there_is_erased_first(factory, result):
    for surfaces in ((NO_DEPTH, NO_DEPTH), (ON_TABLE, NO_DEPTH)):
        first, *others = _markers(factory, result(surfaces))
        assert first.action == DELETE_ALL
        assert {marker.action for marker in others} == {ADD}
        assert len({marker.id for marker in others}) == len(others)


def test_without_positions_the_points_lie_on_the_image_plane(factory, result):
    markers = _markers(factory, result())
    assert {marker.header.frame_id for marker in markers} == {'camera'}
    assert [_position(sphere.pose.position) for sphere in _kind(markers, SPHERE)] == [
        (0.0, 0.0, 1.0),
        pytest.approx((-0.4921875, -0.3671875, 1.0)),
    ]
    assert [marker.text for marker in _kind(markers, TEXT)] == ['press 0.75\n1: 0.50', '2: 0.25']
    assert not _kind(markers, ARROW)


def test_a_model_without_actions_names_none(factory, result):
    found = result()
    found = replace(found, grounding=replace(found.grounding, action_scores={}))
    texts = [marker.text for marker in _kind(_markers(factory, found), TEXT)]
    assert texts == ['1: 0.50', '2: 0.25']


def test_the_image_plane_has_a_thin_grey_border_in_the_images_proportions(factory, result):
    (border,) = _kind(_markers(factory, result()), LINE_STRIP)
    assert [_position(point) for point in border.points] == [
        (-0.5, -0.375, 1.0),
        (0.5, -0.375, 1.0),
        (0.5, 0.375, 1.0),
        (-0.5, 0.375, 1.0),
        (-0.5, -0.375, 1.0),
    ]
    assert (border.id, border.scale.x, border.scale.y, border.scale.z) == (0, 0.004, 0.0, 0.0)
    colour = (border.color.r, border.color.g, border.color.b, border.color.a)
    assert colour == pytest.approx((0.8, 0.8, 0.8, 0.8))


def test_points_with_a_position_stand_there(factory, result):
    markers = _markers(factory, result((NO_DEPTH, ON_TABLE)))
    (sphere,), (text,) = _kind(markers, SPHERE), _kind(markers, TEXT)
    assert _position(sphere.pose.position) == (0.1, -0.2, 0.8)
    assert text.text == '2: 0.25'
    assert not _kind(markers, LINE_STRIP)
    assert {marker.header.frame_id for marker in markers[1:]} == {'base'}
    assert {(m.header.stamp.sec, m.header.stamp.nanosec) for m in markers} == {(12, 34)}


def test_orientations_are_unit_quaternions(factory, result):
    for marker in _markers(factory, result((ON_TABLE, NO_DEPTH))):
        rotation = marker.pose.orientation
        assert (rotation.x, rotation.y, rotation.z, rotation.w) == (0, 0, 0, 1)


@pytest.mark.parametrize('surfaces', [(NO_DEPTH, NO_DEPTH), (ON_TABLE, ON_TABLE)])
def test_held_results_are_half_transparent(factory, result, surfaces):
    now = _markers(factory, result(surfaces))
    held = _markers(factory, result(surfaces, age=0.25))
    np.testing.assert_allclose(
        [marker.color.a for marker in held[1:]], [marker.color.a / 2 for marker in now[1:]]
    )


def test_an_abstention_leaves_nothing_standing(factory, result):
    (marker,) = _markers(factory, result(found=False))
    assert marker.action == DELETE_ALL


def test_sizes_colours_and_numbers_of_points_in_space(factory, result):
    markers = _markers(factory, result((ON_TABLE, ON_TABLE)))[1:]
    found = [
        (one.id, one.type, one.ns, (one.scale.x, one.scale.y, one.scale.z)) for one in markers
    ]
    assert found == [
        (3, SPHERE, 'afformer', (0.04, 0.04, 0.04)),
        (4, TEXT, 'afformer', (0.02, 0.0, 0.04)),
        (5, ARROW, 'afformer', (0.008, 0.016, 0.025)),
        (6, SPHERE, 'afformer', (0.025, 0.025, 0.025)),
        (7, TEXT, 'afformer', (0.02, 0.0, 0.04)),
        (8, ARROW, 'afformer', (0.008, 0.016, 0.025)),
    ]
    colours = [(one.color.r, one.color.g, one.color.b, one.color.a) for one in markers]
    red, white, faint = (1.0, 0.25, 0.25, 1.0), (1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 0.8)
    np.testing.assert_allclose(colours, [red, white, red, faint, white, faint], rtol=1e-6)


def test_arrows_begin_a_tenth_of_a_metre_off_and_texts_stand_behind_them(factory, result):
    markers = _markers(factory, result((ON_TABLE, NO_DEPTH)))
    (arrow,), (text,) = _kind(markers, ARROW), _kind(markers, TEXT)
    begin, end = (_position(point) for point in arrow.points)
    assert begin == pytest.approx((0.1, -0.2, 0.7))
    assert end == pytest.approx((0.1, -0.2, 0.8))
    assert _position(text.pose.position) == pytest.approx((0.1, -0.2, 0.67))


def test_without_a_normal_the_text_stands_above_in_the_image(factory, result):
    markers = _markers(factory, result((replace(ON_TABLE, normal=None), NO_DEPTH)))
    (text,) = _kind(markers, TEXT)
    assert _position(text.pose.position) == pytest.approx((0.1, -0.25, 0.8))


def _motion(factory, result, *motion):
    markers = _markers(factory, result((ON_TABLE, NO_DEPTH)), motion=PartMotion(*motion, ''))
    return [one for one in markers if one.ns == 'motion']


@pytest.mark.parametrize(
    ('direction', 'expected'),
    [
        (-INTO, [(0.1, -0.2, 0.8), (0.1, -0.2, 0.68)]),
        (INTO, [(0.1, -0.2, 0.68), (0.1, -0.2, 0.8)]),
    ],
    ids=['a pull out of the surface', 'a push that ends at it'],
)
def test_a_translation_is_an_arrow(factory, result, direction, expected):
    (arrow,) = _motion(factory, result, MotionType.TRANSLATION, direction)
    assert (arrow.type, arrow.header.frame_id) == (ARROW, 'base')
    assert [_position(point) for point in arrow.points] == [
        pytest.approx(point) for point in expected
    ]


@pytest.mark.parametrize('sign', [1.0, -1.0])
def test_a_rotation_is_an_arc_in_its_sense(factory, result, sign):
    arc, arrow = _motion(factory, result, MotionType.ROTATION, sign * INTO)
    assert (arc.type, arrow.type) == (LINE_STRIP, ARROW)
    points = np.array([_position(point) for point in arc.points])
    # 2 cm in front of the surface, around the point
    np.testing.assert_allclose(points[:, 2], 0.78)
    arms = points[:, :2] - [0.1, -0.2]
    np.testing.assert_allclose(np.hypot(*arms.T), 0.05)
    angles = np.degrees(np.unwrap(np.arctan2(arms[:, 1], arms[:, 0])))
    assert angles[-1] - angles[0] == pytest.approx(280 * sign)
    begin, end = (np.array(_position(point)) for point in arrow.points)
    np.testing.assert_allclose(begin, points[-1])
    turn = np.cross(points[-1] - [0.1, -0.2, 0.78], end - begin)
    assert turn[2] * sign > 0


def test_of_what_stays_no_motion_is_shown(factory, result):
    assert _motion(factory, result, MotionType.STILL, INTO) == []
