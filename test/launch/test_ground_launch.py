# SPDX-License-Identifier: Apache-2.0
"""The launch file brings the node to active under the names and parameters it was given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)

FILE = 'ground.launch.py'


def _state(observer, node: str) -> int:
    response = observer.call(GetState, f'{node}/get_state', GetState.Request())
    return State.PRIMARY_STATE_UNKNOWN if response is None else response.current_state.id


def _parameters(observer, node: str, *names: str) -> list[object]:
    request = GetParameters.Request(names=names)
    response = observer.call(GetParameters, f'{node}/get_parameters', request)
    return [parameter_value_to_python(value) for value in response.values]


def test_the_node_becomes_active_under_the_names_it_was_given(
    launch, observer, shipped_model: Path
) -> None:
    launched = launch(
        FILE,
        'namespace:=robot',
        'image_topic:=/camera/image_raw',
        'demonstration_topic:=demonstration/image',
        f'model:={shipped_model}',
        'backend:=torch',
    )
    node = '/robot/grounding'
    active = State.PRIMARY_STATE_ACTIVE
    observer.wait(f'{node} becoming active', lambda: _state(observer, node) == active)

    topics = dict(observer.get_topic_names_and_types())
    assert topics['/robot/affordance'] == ['afformer_ros/msg/Affordance']
    assert topics['/robot/heatmap'] == ['sensor_msgs/msg/Image']
    assert topics['/robot/overlay'] == ['sensor_msgs/msg/Image']
    assert topics['/robot/markers'] == ['visualization_msgs/msg/MarkerArray']
    assert topics['/robot/demonstration_status'] == ['afformer_ros/msg/DemonstrationStatus']
    assert '/camera/image_raw' in topics
    assert '/robot/demonstration/image' in topics
    found = _parameters(observer, node, 'model', 'backend', 'use_sim_time')
    assert found == [str(shipped_model), 'torch', False]

    assert launched.interrupt() == 0, launched.log()
    assert 'Traceback' not in launched.log()


def test_without_autostart_the_node_waits_unconfigured(launch, observer) -> None:
    launch(FILE, 'autostart:=false', 'namespace:=waiting')
    assert _state(observer, '/waiting/grounding') == State.PRIMARY_STATE_UNCONFIGURED


def test_an_argument_left_empty_does_not_overrule_the_parameter_file(
    launch, observer, tmp_path: Path
) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**:\n  ros__parameters:\n    model: /my/model\n    maximum_peaks: 2\n')
    launch(
        FILE,
        'autostart:=false',
        'namespace:=mine',
        f'params_file:={file}',
        'use_sim_time:=true',
    )
    found = _parameters(
        observer, '/mine/grounding', 'model', 'backend', 'maximum_peaks', 'use_sim_time'
    )
    assert found == ['/my/model', 'auto', 2, True]


def test_a_node_that_cannot_be_configured_is_reported(launch, observer, tmp_path: Path) -> None:
    launched = launch(FILE, 'namespace:=broken', f'model:={tmp_path / "no_model"}')
    report = 'grounding could not be configured'
    observer.wait('the report', lambda: report in launched.log())
    assert _state(observer, '/broken/grounding') == State.PRIMARY_STATE_UNCONFIGURED


@pytest.mark.parametrize(('chosen', 'wanted'), [(None, 'LARGE_DATA'), ('UDPv4', 'UDPv4')])
def test_the_transports_carry_images_unless_the_user_chose_others(
    launch, observer, monkeypatch: pytest.MonkeyPatch, chosen: str | None, wanted: str
) -> None:
    name = 'FASTDDS_BUILTIN_TRANSPORTS'
    monkeypatch.delitem(os.environ, name)
    if chosen is not None:
        monkeypatch.setenv(name, chosen)
    launched = launch(FILE, 'autostart:=false')
    observer.wait('the start', launched.pid)
    environment = Path(f'/proc/{launched.pid()}/environ').read_text().split('\0')
    assert f'{name}={wanted}' in environment
