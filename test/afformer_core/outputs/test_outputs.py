# SPDX-License-Identifier: Apache-2.0
"""Which image and frame the messages of a result speak of."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import RigidTransform, rotation_of_quaternion
from afformer_core.outputs.outputs import OutputMessages, caption, draw_grounding
from afformer_core.outputs.results import (
    CameraFrame,
    OutputSettings,
    Placement,
    SpatialView,
    StreamedGrounding,
)
from afformer_core.runtime import Grounding, Peak

from ..messages.conftest import NO_DEPTH, ON_TABLE, header_of

IN_SPACE = ('grasp_candidates', 'affordance_cloud')
CALIBRATION = Calibration.from_message(
    SimpleNamespace(
        width=64, height=48, distortion_model='plumb_bob', d=[], binning_x=0, binning_y=0,
        k=[50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0], p=[0.0] * 12, r=[0.0] * 9,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
        header=SimpleNamespace(frame_id='camera'),
    ),
    rectified=False,
)  # fmt: skip
# 12.000000034 s, the stamp of `header_of`, and two fifths of a second before
NOW, BEFORE = (12, 34), (11, 600_000_034)


def _messages(factory, result, frame_id='camera', **settings):
    frame = CameraFrame(np.zeros((48, 64, 3), np.uint8), 12_000_000_034, 'camera')
    lift = RigidTransform(np.eye(3), np.array([0.0, 0.0, 1.5]))
    placement = Placement(frame_id, None if frame_id == 'camera' else lift)
    return OutputMessages(
        factory, OutputSettings(**settings), frame, header_of(factory), result, placement
    )


def _seen(result, *surfaces, **fields):
    """A result of a camera whose calibration is known."""
    return result(surfaces, view=SpatialView(None, CALIBRATION, 'no depth'), **fields)


def _positions(poses):
    return [(pose.position.x, pose.position.y, pose.position.z) for pose in poses]


def _stamp(header):
    return header.stamp.sec, header.stamp.nanosec


@pytest.mark.parametrize('frame_id', ['camera', 'base'])
@pytest.mark.parametrize('topic', IN_SPACE)
def test_positions_have_the_stamp_of_the_image(factory, result, topic, frame_id):
    message = _messages(factory, result((ON_TABLE, NO_DEPTH)), frame_id).create(topic)
    assert (message.header.frame_id, _stamp(message.header)) == (frame_id, NOW)


def test_the_same_result_in_another_frame(factory, result):
    found = result((ON_TABLE, NO_DEPTH))
    lift = RigidTransform(np.eye(3), np.array([0.0, 0.0, 1.5]))
    other = _messages(factory, found).placed(Placement('base', lift)).create('affordance')
    assert other.position_frame == 'base'
    expected = _messages(factory, found, 'base').create('affordance')
    assert other.points[0].position == expected.points[0].position
    assert _messages(factory, found).create('affordance').position_frame == 'camera'


def _wall(result, **fields):
    """A wall at 0.8 m, of which the left half is likelier."""
    depth = DepthImage(np.full((48, 64), 0.8, np.float32), 'camera', 0)
    found = result((ON_TABLE, NO_DEPTH), view=SpatialView(depth, CALIBRATION, ''), **fields)
    heatmap = np.full((48, 64), 0.2 / 1536, np.float32)
    heatmap[:, :32] = 0.8 / 1536
    return replace(found, grounding=replace(found.grounding, probabilities=heatmap))


@pytest.mark.parametrize(('minimum', 'points'), [(0.1, 64 * 48), (0.5, 32 * 48)])
def test_the_cloud_has_the_pixels_of_enough_weight(factory, result, minimum, points):
    found = _messages(factory, _wall(result), cloud_minimum_weight=minimum)
    message = found.create('affordance_cloud')
    values = np.frombuffer(message.data, np.float32).reshape(-1, 4)
    assert (message.width, message.height, len(values)) == (points, 1, points)
    np.testing.assert_allclose(values[:, 2], 0.8, atol=1e-6)


def test_a_cloud_has_so_many_points_at_most_and_is_placed(factory, result):
    found = _messages(factory, _wall(result), 'base', cloud_maximum_points=100)
    values = np.frombuffer(found.create('affordance_cloud').data, np.float32).reshape(-1, 4)
    assert 50 < len(values) <= 100
    np.testing.assert_allclose(values[:, 2], 2.3, atol=1e-6)


def test_of_what_is_not_found_the_cloud_is_empty(factory, result):
    found = _messages(factory, _wall(result, found=False))
    assert found.create('affordance_cloud').width == 0


def test_the_overlay_is_as_opaque_as_asked_for(factory, result):
    clear, opaque = (
        np.frombuffer(
            _messages(factory, _wall(result), overlay_opacity=opacity).create('overlay').data,
            np.uint8,
        ).reshape(48, 64, 3)
        for opacity in (0.0, 1.0)
    )
    # The image is black, and nothing else is drawn in this corner.
    assert clear[45, 10].tolist() == [0, 0, 0]
    assert opaque[45, 10].max() > 100


def test_markers_that_are_held_on_the_image_have_the_stamp_of_their_image(factory, result):
    held = result((NO_DEPTH, NO_DEPTH), age=0.4, stamp=11_600_000_034)
    _, *markers = _messages(factory, held, 'base').create('markers').markers
    assert {(m.header.frame_id, _stamp(m.header)) for m in markers} == {('camera', BEFORE)}


@pytest.mark.parametrize('frame_id', ['camera', 'base'])
def test_the_candidates_of_the_points_are_those_of_the_poses_in_their_order(
    factory, result, frame_id
):
    beyond = replace(ON_TABLE, position=np.array([0.3, 0.4, 0.9]))
    peaks = tuple(Peak(31.5, 23.5, score) for score in (0.5, 0.25, 0.125))
    seen = _seen(
        result,
        ON_TABLE,
        replace(ON_TABLE, normal=None),
        beyond,
        grounding=replace(result().grounding, peaks=peaks),
    )
    messages = _messages(factory, seen, frame_id)
    points = messages.create('affordance').points
    assert [point.grasp_candidate_valid for point in points] == [True, False, True]
    lift = 0.0 if frame_id == 'camera' else 1.5
    positions = [(0.1, -0.2, 0.8 + lift), (0.3, 0.4, 0.9 + lift)]
    assert _positions([points[0].grasp_candidate, points[2].grasp_candidate]) == positions
    assert _positions(messages.create('grasp_candidates').poses) == positions


@pytest.mark.parametrize(
    ('minimum', 'valid'), [(0.0, [True, True]), (0.25, [True, True]), (0.26, [True, False])]
)
def test_a_weak_peak_is_a_point_but_no_candidate(factory, result, minimum, valid):
    # The peaks of the result have scores of 0.5 and 0.25.
    messages = _messages(
        factory, _seen(result, ON_TABLE, ON_TABLE), minimum_candidate_score=minimum
    )
    points = messages.create('affordance').points
    assert [point.grasp_candidate_valid for point in points] == valid
    assert [point.position_valid for point in points] == [True, True]
    assert len(messages.create('grasp_candidates').poses) == sum(valid)


@pytest.mark.parametrize(('certainty', 'poses'), [(0.41, 0), (0.63, 2), (None, 0)])
def test_what_is_unsure_has_candidates_with_its_certainty_only(factory, result, certainty, poses):
    seen = _seen(result, ON_TABLE, ON_TABLE)
    grounding = replace(seen.grounding, certainty=certainty, certainty_threshold=0.63)
    messages = _messages(factory, replace(seen, grounding=grounding))
    points = messages.create('affordance').points
    assert [point.grasp_candidate_valid for point in points] == [True, True]
    assert len(messages.create('grasp_candidates').poses) == poses


def _bump(result, **fields):
    """A wall at 0.8 m under a blob of 7 x 5 pixels, and another one far from it."""
    found = _wall(result, **fields)
    heatmap = np.zeros((48, 64), np.float32)
    heatmap[20:25, 28:35] = 0.8 / 35
    heatmap[40:44, 5:9] = 0.2 / 16
    heatmap[0, 60] = 0.1
    peaks = (Peak(31.0, 22.0, 0.5), Peak(6.5, 41.5, 0.25))
    grounding = replace(found.grounding, probabilities=heatmap, peaks=peaks)
    return replace(found, grounding=grounding)


def test_the_mask_has_the_regions_around_the_points_alone(factory, result):
    message = _messages(factory, _bump(result), mask_share=0.1).create('mask')
    mask = np.asarray(message.data, np.uint8).reshape(48, 64)
    expected = np.zeros((48, 64), np.uint8)
    expected[20:25, 28:35] = expected[40:44, 5:9] = 255
    # Resampling to the size of the image changes nothing here; a spot without a point is left out.
    np.testing.assert_array_equal(mask, expected)
    assert (message.encoding, message.height, message.width) == ('mono8', 48, 64)
    assert message.header == header_of(factory)


@pytest.mark.parametrize(('found', 'share', 'pixels'), [(True, 0.2, 35), (False, 0.1, 0)])
def test_the_mask_of_a_larger_share_or_of_what_is_not_found(factory, result, found, share, pixels):
    message = _messages(factory, _bump(result, found=found), mask_share=share).create('mask')
    assert (message.height, message.width) == (48, 64)
    assert np.count_nonzero(message.data) == pixels


def test_a_pre_grasp_is_in_front_of_the_surface(factory, result):
    seen = _seen(result, ON_TABLE, ON_TABLE)
    points = _messages(factory, seen, 'base', pre_grasp_distance=0.25).create('affordance').points
    # The normal is towards the camera, along -z; the frame base is 1.5 m behind.
    assert points[0].pre_grasp.position.z == pytest.approx(0.8 - 0.25 + 1.5)
    assert points[0].pre_grasp.position.x == pytest.approx(0.1)
    assert points[0].pre_grasp.orientation == points[0].grasp_candidate.orientation


def test_x_of_a_candidate_lies_along_the_part(factory, result):
    near, wall = replace(ON_TABLE, position=np.array([0.0, 0.0, 0.2])), np.full((48, 64), 0.3)
    wall[10:40, 31:33] = 0.2
    view = SpatialView(DepthImage(wall.astype(np.float32), 'camera', 0), CALIBRATION, '')
    found = result((near, replace(ON_TABLE, position=np.array([0.0, 0.0, 0.3]))), view=view)
    first, second = _messages(factory, found).create('affordance').points
    turn = first.grasp_candidate.orientation
    # Down the image: a quarter of a turn about z.
    half = 0.5**0.5
    assert [turn.x, turn.y, turn.z, turn.w] == pytest.approx([0, 0, half, half])
    assert (first.grasp_axis_known, second.grasp_axis_known) == (True, False)


def test_a_point_with_a_motion_but_no_normal_is_a_candidate_in_the_frame_of_positions(
    factory, result
):
    aside = RigidTransform(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), np.zeros(3))
    bare = replace(ON_TABLE, position=np.array([0.0, 0.0, 0.8]), normal=None)
    found = replace(_wall(result), surfaces=(bare, NO_DEPTH))
    point = (
        _messages(factory, found).placed(Placement('base', aside)).create('affordance').points[0]
    )
    assert (point.normal_valid, point.approach_source, point.grasp_candidate_valid) == (
        False,
        2,
        True,
    )
    turn = point.grasp_candidate.orientation
    rotation = rotation_of_quaternion(np.array([turn.x, turn.y, turn.z, turn.w]))
    # The action is press; z of the camera is x of base.
    np.testing.assert_allclose(rotation[:, 2], [1, 0, 0], atol=0.02)
    assert point.approach.x == pytest.approx(1, abs=1e-3)


def test_the_motion_is_that_of_the_best_action_in_the_frame_of_positions(factory, result):
    aside = RigidTransform(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), np.zeros(3))
    messages = OutputMessages(
        factory,
        OutputSettings(),
        CameraFrame(np.zeros((48, 64, 3), np.uint8), 12_000_000_034, 'camera'),
        header_of(factory),
        _seen(result, ON_TABLE, NO_DEPTH),
        Placement('base', aside),
    )
    first, second = messages.create('affordance').points
    # The action is press; the normal along -z of the camera is -x of base.
    assert (first.motion_valid, first.motion_type) == (True, 1)
    assert (first.motion.x, first.motion.y, first.motion.z) == (1.0, 0.0, 0.0)
    assert (first.approach_source, first.approach) == (1, first.motion)
    assert (second.motion_valid, second.motion_problem) == (False, 'no depth is received')


@pytest.mark.parametrize(
    ('frame_id', 'expected'), [('camera', [0.1, -0.2, 0.8]), ('base', [0.8, 0.1, -0.2])]
)
def test_a_point_without_a_normal_is_approached_from_the_camera_in_any_frame(
    factory, result, frame_id, expected
):
    aside = RigidTransform(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), np.array([3.0, 2, 1]))
    surface = replace(ON_TABLE, normal=None)
    messages = _messages(factory, _seen(result, surface, NO_DEPTH, age=0.4)).placed(
        Placement(frame_id, None if frame_id == 'camera' else aside)
    )
    first, second = messages.create('affordance').points
    assert first.approach_source == 3
    length = 0.69**0.5
    assert [first.approach.x, first.approach.y, first.approach.z] == pytest.approx(
        [number / length for number in expected]
    )
    assert (second.approach_source, second.position_valid) == (0, False)


IMAGE = np.zeros((480, 640, 3), np.uint8)
NEAR = SurfacePoint(np.array([0.0, 0.0, 0.62]), np.eye(3), None, '')


def _result(surface=NO_DEPTH, **fields):
    heatmap = np.zeros((480, 640), np.float32)
    heatmap[200, 100] = 1
    values = {
        'demonstration': 'coffee',
        'grounding': Grounding(
            heatmap,
            heatmap.shape,
            {'press': 0.75, 'pull': 0.25},
            (Peak(100, 200, 0.5),),
            0.5,
            0.875,
        ),
        'found': True,
        'confidence': 0.5,
        'feature_similarity': 0.875,
        'continuity': 1.0,
        'age': 0.0,
        'surfaces': (surface,),
        'view': SpatialView(None, None, 'no depth is received'),
        'restart': '',
        'stamp': 0,
    }
    return StreamedGrounding(**{**values, **fields})


def _certain(certainty, **fields):
    result = _result(presence=0.75, presence_threshold=0.5, **fields)
    grounding = replace(result.grounding, certainty=certainty, certainty_threshold=0.63)
    return replace(result, grounding=grounding)


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({}, 'press 0.75, confidence 0.50, feature similarity 0.88'),
        ({'age': 0.25}, 'press 0.75, held for 0.2 s (confidence 0.50, feature similarity 0.88)'),
        ({'found': False}, 'not found (confidence 0.50, feature similarity 0.88)'),
        ({'presence': 0.75}, 'press 0.75, presence 0.75'),
        ({'presence': 0.25, 'age': 0.25}, 'press 0.75, held for 0.2 s (presence 0.25)'),
        ({'presence': 0.25, 'found': False}, 'not found (presence 0.25, at least 0.50 is needed)'),
        ({'presence': 0.75, 'found': False}, 'not found (presence 0.75, but continuity 1.00)'),
    ],
)
def test_the_caption_says_what_it_is(fields, text):
    threshold = 0.5 if 'presence' in fields else None
    assert caption(_result(presence_threshold=threshold, **fields)) == text


@pytest.mark.parametrize(
    ('certainty', 'fields', 'text'),
    [
        (0.71, {}, 'press 0.75, presence 0.75, certainty 0.71'),
        (0.41, {}, 'press 0.75, presence 0.75, not sure which part: certainty 0.41 of 0.63'),
        (
            0.41,
            {'age': 0.25},
            'press 0.75, held for 0.2 s '
            '(presence 0.75, not sure which part: certainty 0.41 of 0.63)',
        ),
        (0.41, {'found': False}, 'not found (presence 0.75, but continuity 1.00)'),
    ],
)
def test_the_caption_tells_the_certainty_of_what_is_found(certainty, fields, text):
    assert caption(_certain(certainty, **fields)) == text


def test_an_unsure_point_is_drawn_as_a_question():
    sure, unsure = (draw_grounding(IMAGE, _certain(one), 0.0) for one in (0.63, 0.41))
    assert sure[200, 111].tolist() == [0, 230, 255]
    assert unsure[200, 111].tolist() == [255, 255, 255]
    single = _certain(0.41).grounding
    assert single.draw(IMAGE, 0.0)[200, 111].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ('age', 'text'),
    [
        (0.0, 'confidence 0.50, feature similarity 0.88'),
        (0.25, 'held for 0.2 s (confidence 0.50, feature similarity 0.88)'),
    ],
)
def test_a_model_without_actions_names_none(age, text):
    result = _result(age=age)
    grounding = replace(result.grounding, action_scores={})
    assert caption(replace(result, grounding=grounding)) == text


def test_held_results_are_framed():
    assert draw_grounding(IMAGE, _result(age=0.25), 0.5)[-1, 320].tolist() == [255, 176, 0]
    assert draw_grounding(IMAGE, _result(), 0.5)[-1, 320].tolist() == [0, 0, 0]


def test_an_abstention_marks_no_peak():
    image = draw_grounding(IMAGE, _result(found=False), 0.0)
    assert not image[150:250, 50:200].any()
    assert draw_grounding(IMAGE, _result(), 0.0)[150:250, 50:200].any()


def test_the_distance_of_a_peak_is_shown():
    plain, near = (draw_grounding(IMAGE, _result(surface), 0.0) for surface in (NO_DEPTH, NEAR))
    assert (plain != near)[170:200, 120:200].any()
