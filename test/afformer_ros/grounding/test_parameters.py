# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: what is refused, and where things lie."""

import pathlib

import pytest
import rclpy
from rclpy.parameter import Parameter

from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.parameter_fields import (
    constraints_of,
    validate_change,
)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'backend': 'abacus'}, 'backend is .abacus.; expected one of auto, torch'),
        ({'maximum_peaks': 0}, 'maximum_peaks is 0; expected 1 to 100'),
        ({'overlay_opacity': 1.01}, 'overlay_opacity is 1.01'),
        ({'minimum_confidence': float('nan')}, 'minimum_confidence is nan'),
        ({'image_type': ''}, 'one of auto, raw, compressed'),
        ({'smoothing_time': float('inf')}, 'smoothing_time is inf; expected 0.0 to 60.0'),
        ({'nearest_depth': 2.0, 'farthest_depth': 1.0}, 'nearest'),
    ],
)
def test_values_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        GroundingParameters(**changes)


@pytest.mark.parametrize(
    ('name', 'value', 'configured', 'reason'),
    [
        ('model', '/models/mine', False, ''),
        ('model', '/models/mine', True, 'Clean the node up'),
        ('maximum_peaks', 3, True, ''),
        ('maximum_peaks', 1000, True, 'expected 1 to 100'),
        ('image_rectification', 'sometimes', False, 'one of auto, rectified, distorted'),
        ('use_sim_time', True, True, ''),
    ],
)
def test_changes(name, value, configured, reason):
    constraints = constraints_of(GroundingParameters)
    result = validate_change(constraints, [Parameter(name, value=value)], configured=configured)
    assert result.successful == (not reason)
    assert reason in result.reason


def test_the_store_lies_in_the_home_of_ros(monkeypatch):
    monkeypatch.setenv('ROS_HOME', '/var/ros')
    assert GroundingParameters().store_path == pathlib.Path('/var/ros/afformer/demonstrations')
    monkeypatch.delenv('ROS_HOME')
    monkeypatch.setenv('HOME', '/home/robot')
    expected = pathlib.Path('/home/robot/.ros/afformer/demonstrations')
    assert GroundingParameters().store_path == expected
    assert GroundingParameters(store_folder='/data').store_path == pathlib.Path('/data')


def test_folders_that_may_be_read(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)
    parameters = GroundingParameters(demonstration_folders=('', str(tmp_path / 'link')))
    assert parameters.readable_folders == (tmp_path.resolve(),)
    assert GroundingParameters().readable_folders == ()


@pytest.fixture
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()
