# SPDX-License-Identifier: Apache-2.0
"""The launch file brings up a planner that serves, under the names and parameters it was given."""

from __future__ import annotations

from pathlib import Path

import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)


def test_the_planner_serves_under_the_names_it_was_given(launch, observer, tmp_path: Path) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**:\n  ros__parameters:\n    attempts: 7\n    base_frame: arm_base\n')
    launched = launch(
        'operate.launch.py',
        'namespace:=robot',
        f'params_file:={file}',
        'use_sim_time:=true',
        'autostart:=false',
        'image_topic:=/camera/image_raw',
        'depth_topic:=/camera/depth',
        'camera_info_topic:=camera/camera_info',
        'camera_pose_topic:=/calibration/camera_pose',
        'joint_states_topic:=/arm/joint_states',
    )
    names = ('serve', 'attempts', 'base_frame', 'use_sim_time')
    expected = [True, 7, 'arm_base', True]
    planner = '/robot/planner'
    assert observer.parameters(planner, *names) == expected
    status = f'{planner}/operate_element/_action/status'
    observer.wait('the action', lambda: observer.count_publishers(status))
    assert observer.state(planner) == State.PRIMARY_STATE_UNCONFIGURED

    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        request = ChangeState.Request(transition=Transition(id=transition))
        assert observer.call(ChangeState, f'{planner}/change_state', request).success
    read = (
        '/camera/image_raw',
        '/camera/depth',
        '/robot/camera/camera_info',
        '/calibration/camera_pose',
        '/arm/joint_states',
    )
    observer.wait('subscriptions', lambda: all(map(observer.count_subscribers, read)))
    assert launched.interrupt() == 0, launched.log()
    assert 'Traceback' not in launched.log()
