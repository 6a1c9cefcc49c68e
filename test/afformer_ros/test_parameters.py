# SPDX-License-Identifier: Apache-2.0
import pathlib

import pytest
import yaml
from rclpy.parameter import Parameter
from rclpy.qos import QoSReliabilityPolicy

from afformer_ros.parameters import GroundingParameters, validate_change


def test_the_yaml_file_holds_exactly_the_defaults(root):
    content = yaml.safe_load((root / 'config' / 'ground.yaml').read_text())
    (section,) = content.values()
    defaults = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(GroundingParameters()).items()
    }
    assert section['ros__parameters'] == defaults


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'backend': 'abacus'}, 'backend is .abacus.; it must be one of auto, torch'),
        ({'maximum_peaks': 0}, 'maximum_peaks is 0; it must be from 1 to 100'),
        ({'overlay_opacity': 1.01}, 'overlay_opacity is 1.01'),
        ({'minimum_confidence': float('nan')}, 'minimum_confidence is nan'),
        ({'image_type': ''}, 'one of auto, raw, compressed'),
    ],
)
def test_values_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        GroundingParameters(**changes)


@pytest.mark.parametrize(
    ('name', 'value', 'configured', 'reason'),
    [
        ('model', '/models/mine', False, ''),
        ('model', '/models/mine', True, 'clean the node up'),
        ('maximum_peaks', 3, True, ''),
        ('maximum_peaks', 1000, True, 'from 1 to 100'),
        ('image_reliability', 'sometimes', False, 'one of best_effort, reliable'),
        ('use_sim_time', True, True, ''),
    ],
)
def test_changes(name, value, configured, reason):
    result = validate_change([Parameter(name, value=value)], configured)
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


def test_quality_of_service():
    parameters = GroundingParameters(image_reliability='reliable', image_depth=3)
    assert parameters.image_qos.reliability == QoSReliabilityPolicy.RELIABLE
    assert parameters.image_qos.depth == 3
    assert parameters.demonstration_qos.reliability == QoSReliabilityPolicy.BEST_EFFORT
