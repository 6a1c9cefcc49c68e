# SPDX-License-Identifier: Apache-2.0
"""The launch file grounds in the images of two cameras, each under its own names."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)


@pytest.fixture
def parameter_file(tmp_path: Path) -> Path:
    """Parameters of both nodes, after them those of one."""
    path = tmp_path / 'two.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    maximum_peaks: 3\n'
        f'    store_folder: {tmp_path / "both"}\n'
        '/head/grounding:\n  ros__parameters:\n    maximum_peaks: 2\n'
        f'    store_folder: {tmp_path / "head"}\n'
    )
    return path


def test_each_camera_has_a_node_with_topics_and_parameters_of_its_own(
    launch, observer, tmp_path: Path, parameter_file: Path
) -> None:
    launched = launch(
        'two_cameras.launch.py',
        'first_namespace:=wrist',
        'second_namespace:=head',
        'second_image_topic:=/head_camera/image_raw',
        f'params_file:={parameter_file}',
    )
    observer.wait_for_active('/wrist/grounding')
    observer.wait_for_active('/head/grounding')

    topics = dict(observer.get_topic_names_and_types())
    assert '/wrist/affordance' in topics
    assert '/head/affordance' in topics
    assert '/wrist/image' in topics
    assert '/head_camera/image_raw' in topics
    assert '/head/image' not in topics
    found = [
        observer.parameters(f'/{one}/grounding', 'maximum_peaks', 'store_folder')
        for one in ('wrist', 'head')
    ]
    assert found == [[3, str(tmp_path / 'both')], [2, str(tmp_path / 'head')]]

    assert launched.interrupt() == 0, launched.log()
    assert 'Traceback' not in launched.log()
