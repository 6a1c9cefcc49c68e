# SPDX-License-Identifier: Apache-2.0
"""Topics that exist only where the package of their messages is installed."""

import importlib.util

import pytest

from afformer_ros.grounding.image_grounding import available_output_types


def test_detections_are_published_where_vision_msgs_is_installed(tmp_path, monkeypatch):
    (tmp_path / 'vision_msgs').mkdir()
    (tmp_path / 'vision_msgs' / '__init__.py').touch()
    monkeypatch.syspath_prepend(tmp_path)
    types = available_output_types()
    assert types['detections'] == 'vision_msgs/msg/Detection2DArray'
    assert types['mask'] == 'sensor_msgs/msg/Image'


@pytest.mark.skipif(
    importlib.util.find_spec('vision_msgs') is not None, reason='vision_msgs is installed'
)
def test_without_vision_msgs_there_are_no_detections():
    assert 'detections' not in available_output_types()
