# SPDX-License-Identifier: Apache-2.0
"""Which image and frame the messages of a result speak of."""

import numpy as np
import pytest

from afformer_core.geometry.transform import RigidTransform
from afformer_core.messages.outputs import OutputMessages, OutputSettings, Placement
from afformer_core.stream.results import CameraFrame

from .conftest import NO_DEPTH, ON_TABLE, header_of

IN_SPACE = ('grasp_candidates', 'affordance_cloud')
# 12.000000034 s, the stamp of `header_of`, and two fifths of a second before
NOW, BEFORE = (12, 34), (11, 600_000_034)


def _messages(factory, result, frame_id='camera'):
    frame = CameraFrame(np.zeros((48, 64, 3), np.uint8), 12_000_000_034, 'camera')
    lift = RigidTransform(np.eye(3), np.array([0.0, 0.0, 1.5]))
    placement = Placement(frame_id, None if frame_id == 'camera' else lift)
    return OutputMessages(factory, OutputSettings(), frame, header_of(factory), result, placement)


def _stamp(header):
    return header.stamp.sec, header.stamp.nanosec


@pytest.mark.parametrize('frame_id', ['camera', 'base'])
@pytest.mark.parametrize('topic', IN_SPACE)
def test_positions_have_the_stamp_of_the_image(factory, result, topic, frame_id):
    message = _messages(factory, result((ON_TABLE, NO_DEPTH)), frame_id).create(topic)
    assert (message.header.frame_id, _stamp(message.header)) == (frame_id, NOW)


@pytest.mark.parametrize('frame_id', ['camera', 'base'])
@pytest.mark.parametrize('topic', IN_SPACE)
def test_positions_that_are_held_have_the_stamp_at_which_they_were_measured(
    factory, result, topic, frame_id
):
    held = result((ON_TABLE, NO_DEPTH), age=0.4, stamp=11_600_000_034)
    message = _messages(factory, held, frame_id).create(topic)
    assert (message.header.frame_id, _stamp(message.header)) == (frame_id, BEFORE)


def test_so_have_their_markers(factory, result):
    held = result((ON_TABLE, NO_DEPTH), age=0.4, stamp=11_600_000_034)
    _, *markers = _messages(factory, held, 'base').create('markers').markers
    assert {(m.header.frame_id, _stamp(m.header)) for m in markers} == {('base', BEFORE)}


def test_an_affordance_that_is_held_has_its_age_and_the_header_of_the_image(factory, result):
    held = result((ON_TABLE, NO_DEPTH), age=0.4, stamp=11_600_000_034)
    affordance = _messages(factory, held, 'base').create('affordance')
    assert (_stamp(affordance.header), affordance.age) == (NOW, pytest.approx(0.4))
    assert affordance.position_frame == 'base'
    assert affordance.points[0].position.z == pytest.approx(2.3)
