# SPDX-License-Identifier: Apache-2.0
"""The arm in URDF, as MuJoCo reads it back."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_sim.arm import franka
from afformer_sim.arm.franka import ARM_JOINTS, arm_model, mesh_file
from afformer_sim.arm.robot_description import robot_description


def test_its_tip_is_where_that_of_the_model_is() -> None:
    # MuJoCo looks for meshes elsewhere
    bare = re.sub(r'<visual>.*?</visual>', '', robot_description())
    extension = '<mujoco><compiler fusestatic="false"/></mujoco></robot>'
    read = mujoco.MjModel.from_xml_string(bare.replace('</robot>', extension))
    model = arm_model()
    positions = [0.3, -0.5, 0.2, -2.0, -0.4, 1.9, 0.6]
    poses = []
    for one, frame in ((read, 'body'), (model, 'site')):
        data = mujoco.MjData(one)
        for name, position in zip(ARM_JOINTS, positions, strict=True):
            data.joint(name).qpos = position
        mujoco.mj_kinematics(one, data)
        tip = data.body('panda_tip') if frame == 'body' else data.site('tip')
        poses.append(np.append(tip.xpos, tip.xmat))

    assert poses[0] == pytest.approx(poses[1], abs=1e-6)
    for name in ARM_JOINTS:
        assert read.joint(name).range == pytest.approx(model.joint(name).range, abs=1e-5)


def test_its_meshes_exist_and_lie_as_in_the_model() -> None:
    text = robot_description()
    files = re.findall(r'<mesh filename="file://(.*?)"/>', text)

    assert len(files) == 11
    assert text.count('<box size="0.007 0.004 0.07"/>') == 2
    assert all(Path(name).is_file() for name in files)
    # the frames of the links' files are those of the links
    link = re.search(r'<link name="panda_link3">.*?</link>', text)
    origin = re.search(r'<visual><origin xyz="(.*?)" rpy="(.*?)"/>', link[0])
    assert [float(value) for value in f'{origin[1]} {origin[2]}'.split()] == pytest.approx(
        [0] * 6, abs=1e-6
    )


def test_missing_meshes_are_told_with_the_package_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install = "Run: pip install --no-deps 'gymnasium-robotics>=1.3'"
    with pytest.raises(DatasetError, match=f'wing.stl does not exist; .* {install}'):
        mesh_file('visual', 'wing')
    monkeypatch.setattr(franka, '_PACKAGE', 'no_such_package')
    with pytest.raises(DatasetError, match=f'no_such_package is not installed; .* {install}'):
        mesh_file('visual', 'link0')
