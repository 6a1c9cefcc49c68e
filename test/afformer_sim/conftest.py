# SPDX-License-Identifier: Apache-2.0
"""Packages of the benchmarks with models of a few boxes, in the place of the real ones."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from afformer_sim.robot_benchmarks import benchmark_scene

# A grey box with a red button on its front; the table is green.
BUTTON = """<mujoco>
  <option timestep="0.0025"/>
  <visual><map znear="0.01"/></visual>
  <asset><material name="btn_red" rgba="1 0 0 1" emission="0.5"/></asset>
  <worldbody>
    <light pos="0 0 1"/>
    <geom name="floor" type="plane" size="4 4 0.1" pos="0 0 -0.9" rgba="0 1 0 1"/>
    <body name="tablelink" pos="0 0.6 0">
      <geom type="box" size="0.7 0.4 0.03" pos="0 0 -0.03" rgba="0 1 0 1"/>
    </body>
    <body pos="0 0.8 0.12">
      <geom type="box" size="0.12 0.07 0.12" rgba="0.5 0.5 0.5 1"/>
      <body name="button" pos="0 -0.13 0">
        <joint name="btnbox_joint" type="slide" axis="0 -1 0" range="-0.06 0"/>
        <geom type="cylinder" size="0.042 0.06" euler="90 0 0" material="btn_red"/>
        <geom type="box" size="0.2 0.2 0.2" group="4"/>
      </body>
    </body>
  </worldbody>
</mujoco>"""

# A kettle that can be lifted, a cabinet's door on a hinge, and a robot, a body without a name.
KITCHEN = """<mujoco>
  <compiler angle="radian"/>
  <asset>
    <material name="kettle_wood" rgba="1 0 0 1"/>
    <material name="M_hinge_metal" rgba="0 0 1 1"/>
  </asset>
  <worldbody>
    <body pos="0 0 1.8"><geom type="box" size="0.1 0.1 0.9" rgba="0 1 0 1"/></body>
    <body name="desk" pos="0 0.75 0">
      <light name="ovenlight" pos="0 0.2 2.2"/>
      <geom type="box" size="1 0.5 0.8" pos="0 0 0.8" rgba="0.5 0.5 0.5 1"/>
      <body name="hingeleftdoor" pos="-0.984 -0.04 2.6">
        <joint name="left_hinge_cabinet" axis="0 0 1" range="-1.57 0"/>
        <geom type="box" size="0.19 0.03 0.2" pos="0.19 0 0" rgba="0.5 0.5 0.5 1"/>
        <geom type="cylinder" size="0.022 0.16" pos="0.302 -0.128 0" material="M_hinge_metal"/>
      </body>
    </body>
    <body name="kettle" pos="-0.269 0.35 1.6">
      <freejoint name="kettle"/>
      <geom type="capsule" size="0.03 0.1" euler="0 1.57 0" pos="0 0 0.285"
        material="kettle_wood"/>
      <geom type="box" size="0.1 0.1 0.1" pos="0 0 0.1" rgba="0.5 0.5 0.5 1"/>
    </body>
  </worldbody>
</mujoco>"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put packages of that content in front of all others; returns their folder."""
    folder = tmp_path / 'packages'
    models = {
        'metaworld/assets/objects/buttonbox.xml': BUTTON,
        'gymnasium_robotics/envs/assets/kitchen_franka/kitchen_assets/kitchen_env_model.xml': (
            KITCHEN
        ),
    }
    for name, text in models.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
        # only the models are read
        (folder / name.split('/')[0] / '__init__.py').write_text('raise AssertionError\n')
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    benchmark_scene.measure_part.cache_clear()
    yield folder
    benchmark_scene.measure_part.cache_clear()
