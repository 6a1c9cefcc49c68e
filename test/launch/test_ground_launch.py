# SPDX-License-Identifier: Apache-2.0
"""The launch file brings the node to active under the names and parameters it was given."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)

FILE = 'ground.launch.py'
TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
PROFILES = 'FASTDDS_DEFAULT_PROFILES_FILE'


def test_the_node_becomes_active_under_the_names_it_was_given(
    launch, observer, shipped_model: Path
) -> None:
    launched = launch(
        FILE,
        'namespace:=robot',
        'image_topic:=/camera/image_raw',
        'depth_topic:=/camera/depth/image_rect',
        'camera_info_topic:=camera/camera_info',
        'target_frame:=base_link',
        'demonstration_topic:=demonstration/image',
        f'model:={shipped_model}',
        'backend:=torch',
    )
    node = '/robot/grounding'
    observer.wait_for_active(node)

    topics = dict(observer.get_topic_names_and_types())
    assert topics['/robot/affordance'] == ['afformer_ros/msg/Affordance']
    assert topics['/robot/heatmap'] == ['sensor_msgs/msg/Image']
    assert topics['/robot/overlay'] == ['sensor_msgs/msg/Image']
    assert topics['/robot/affordance_cloud'] == ['sensor_msgs/msg/PointCloud2']
    assert topics['/robot/grasp_candidates'] == ['geometry_msgs/msg/PoseArray']
    assert topics['/robot/markers'] == ['visualization_msgs/msg/MarkerArray']
    assert topics['/robot/demonstration_status'] == ['afformer_ros/msg/DemonstrationStatus']
    assert '/camera/image_raw' in topics
    assert '/camera/depth/image_rect' in topics
    assert topics['/robot/camera/camera_info'] == ['sensor_msgs/msg/CameraInfo']
    assert '/robot/demonstration/image' in topics
    found = observer.parameters(node, 'model', 'backend', 'target_frame')
    assert found == [str(shipped_model), 'torch', 'base_link']

    assert launched.interrupt() == 0, launched.log()
    assert 'Traceback' not in launched.log()


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        pytest.param(
            ['backend:=torch-cuda', 'precision:=fp16', 'threads:=2', 'maximum_stages:=1']
            + ['lazy:=false', 'minimum_presence:=0.5', 'store_folder:=/tmp/store']
            + ['demonstration_folders:=/data:/media/videos'],
            {
                'backend': 'torch-cuda',
                'precision': 'fp16',
                'threads': 2,
                'maximum_stages': 1,
                'lazy': False,
                'minimum_presence': 0.5,
                'store_folder': '/tmp/store',
                'demonstration_folders': ['/data', '/media/videos'],
                'model': '/my/model',
            },
            id='given',
        ),
        pytest.param(
            ['use_sim_time:=true'],
            {
                'model': '/my/model',
                'backend': 'auto',
                'maximum_peaks': 2,
                'wait_for_engine': True,
                'use_sim_time': True,
            },
            id='empty',
        ),
    ],
)
def test_arguments_overrule_the_parameter_file_unless_they_are_empty(
    launch, observer, tmp_path: Path, arguments: list[str], expected: dict[str, object]
) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text(
        '/**:\n  ros__parameters:\n    model: /my/model\n    maximum_peaks: 2\n'
        '    wait_for_engine: true\n'
    )
    launch(FILE, 'autostart:=false', 'namespace:=mine', f'params_file:={file}', *arguments)
    found = observer.parameters('/mine/grounding', *expected)
    assert found == list(expected.values())
    assert observer.state('/mine/grounding') == State.PRIMARY_STATE_UNCONFIGURED


def test_a_configuration_by_hand_is_not_followed_by_activation(launch, observer) -> None:
    launch(FILE, 'namespace:=manual')
    node = '/manual/grounding'
    observer.wait_for_active(node)
    for name in ('DEACTIVATE', 'CLEANUP', 'CONFIGURE'):
        request = ChangeState.Request()
        request.transition.id = getattr(Transition, f'TRANSITION_{name}')
        assert observer.call(ChangeState, f'{node}/change_state', request).success
    # What the launch file would do comes within a fraction of this.
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert observer.state(node) == State.PRIMARY_STATE_INACTIVE


def test_a_node_that_cannot_be_configured_is_reported(launch, observer, tmp_path: Path) -> None:
    launched = launch(FILE, 'namespace:=broken', f'model:={tmp_path / "no_model"}')
    report = 'grounding could not be configured'
    observer.wait('the report', lambda: report in launched.log())
    assert observer.state('/broken/grounding') == State.PRIMARY_STATE_UNCONFIGURED


def test_a_node_that_was_killed_becomes_active_again(launch, observer) -> None:
    launched = launch(FILE, 'namespace:=reborn')
    observer.wait_for_active('/reborn/grounding')
    os.kill(launched.pids()[0], signal.SIGKILL)
    observer.wait('another start', lambda: len(launched.pids()) == 2)
    observer.wait_for_active('/reborn/grounding')


def test_a_node_that_was_killed_stays_dead_where_that_is_asked_for(launch, observer) -> None:
    launched = launch(FILE, 'namespace:=dead', 'respawn:=false')
    observer.wait_for_active('/dead/grounding')
    os.kill(launched.pids()[0], signal.SIGKILL)
    assert launched.wait() == 0
    assert len(launched.pids()) == 1


def test_the_transports_carry_images(
    launch, observer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (TRANSPORTS, PROFILES):
        monkeypatch.delenv(name, raising=False)
    launched = launch(FILE, 'autostart:=false')
    observer.wait('the start', launched.pids)
    text = Path(f'/proc/{launched.pids()[0]}/environ').read_text()
    environment = dict(one.split('=', 1) for one in text.split('\0') if one)
    assert TRANSPORTS not in environment
    assert environment[PROFILES] == str(root / 'config/fastdds.xml')
