# SPDX-License-Identifier: Apache-2.0
"""The launch file brings up the simulated arm, the grounding node and the planner, and ends."""

from __future__ import annotations

import re
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)
# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials


@pytest.fixture
def demonstration(tmp_path: Path) -> Path:
    """Frames in which a button of the first keypad is held."""
    settings = ClosedLoopSettings(families=('keypad',))
    with closing(TrialScene(plan_trials(settings, 0)[0], settings)) as scene:
        scene.write_demonstration(tmp_path / 'press')
    return tmp_path / 'press'


def test_the_arm_does_what_it_is_shown(
    launch, observer, demonstration: Path, tmp_path: Path
) -> None:
    for name, line in (('planner', 'distance: 0.11'), ('sim_robot', 'depth_noise: 0.012')):
        (tmp_path / f'{name}.yaml').write_text(f'/**:\n  ros__parameters:\n    {line}\n')
    launched = launch(
        'robot_demo.launch.py',
        f'video:={demonstration}',
        f'folder:={demonstration.parent}',
        'family:=keypad',
        'action:=hold',
        f'planner_params_file:={tmp_path / "planner.yaml"}',
        f'robot_params_file:={tmp_path / "sim_robot.yaml"}',
    )
    assert observer.parameters('/sim_robot', 'depth_noise') == [0.012]
    assert observer.parameters('/planner', 'distance') == [0.11]
    assert launched.wait() == 0, launched.log()
    assert re.search(r'hold at \(.*\) m in panda_link0: touched; not visible', launched.log())
    # What the user has recorded, and selected, stays as it was.
    store = tmp_path / 'ros' / 'afformer' / 'demonstrations'
    assert not store.exists() or not any(store.iterdir())
