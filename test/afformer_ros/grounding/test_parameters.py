# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: what is refused, and where things lie."""

import pathlib

from afformer_ros.grounding.parameters import GroundingParameters


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
