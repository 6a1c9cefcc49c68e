# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from afformer_core.runtime import Grounding, Peak
from afformer_ros.grounding_messages import affordance_message, marker_messages, peaks_of


@pytest.fixture
def grounding():
    peaks = (Peak(31.5, 23.5, 0.5), Peak(0.0, 0.0, 0.25))
    heatmap = np.full((48, 64), 1 / 3072, np.float32)
    return Grounding(heatmap, {'press': 0.75, 'hold': 0.25}, peaks, 0.5)


def test_affordance(grounding):
    header = Header(frame_id='camera')
    message = affordance_message(grounding, 'coffee', header, minimum_confidence=0.5)
    assert (message.header, message.demonstration, message.found) == (header, 'coffee', True)
    assert [(action.name, action.score) for action in message.actions] == [
        ('press', 0.75),
        ('hold', 0.25),
    ]
    assert peaks_of(message) == grounding.peaks
    assert not any(point.position_valid or point.normal_valid for point in message.points)


def test_an_abstention_has_no_points_but_tells_the_confidence(grounding):
    message = affordance_message(grounding, 'coffee', Header(), minimum_confidence=0.51)
    assert (message.found, message.points, message.confidence) == (False, [], 0.5)
    assert len(message.actions) == 2


def test_markers_lie_on_the_image_plane(grounding):
    header = Header(frame_id='camera')
    affordance = affordance_message(grounding, 'coffee', header, 0.0)
    markers = marker_messages(affordance, 64, 48).markers
    assert markers[0].action == Marker.DELETEALL
    assert {marker.header.frame_id for marker in markers} == {'camera'}
    spheres = [marker for marker in markers if marker.type == Marker.SPHERE][-2:]
    places = [marker.pose.position for marker in spheres]
    assert [(p.x, p.y, p.z) for p in places] == [
        (0.0, 0.0, 1.0),
        pytest.approx((-0.4921875, -0.3671875, 1.0)),
    ]
    texts = [marker.text for marker in markers if marker.type == Marker.TEXT_VIEW_FACING]
    assert texts == ['press 0.75\n1: 0.50', '2: 0.25']
    identifiers = [marker.id for marker in markers[1:]]
    assert len(identifiers) == len(set(identifiers))
