# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the benchmarks' models: where the part is, how it moves, and what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_sim.robot_benchmarks.benchmark_renderer import BenchmarkRenderer
from afformer_sim.robot_benchmarks.benchmark_scene import BenchmarkScene, measure_part
from afformer_sim.robot_benchmarks.parts import BENCHMARK_PARTS
from afformer_sim.scene.demonstration import plan_demonstration

pytestmark = pytest.mark.usefixtures('packages')


def test_the_part_touches_the_origin_in_the_axes_of_our_scenes() -> None:
    element = measure_part(BENCHMARK_PARTS['meta_world_button']).elements[0]
    operated = element.operated()
    # the cylinder of radius 0.042 reaches from z = -0.13 to -0.01 of a model whose point is -0.606
    assert operated.min(axis=0) == pytest.approx([-0.042, 0.078, -0.124], abs=1e-6)
    assert operated.max(axis=0) == pytest.approx([0.042, 0.162, -0.004], abs=1e-6)


def test_a_sliding_joint_moves_along_its_axis() -> None:
    use = measure_part(BENCHMARK_PARTS['meta_world_button']).elements[0].uses[0]
    assert use.joint is not None
    assert use.joint.displacement(-0.05).position == pytest.approx([0, 0, -0.05])
    assert use.after == (-0.05, -0.03)


def test_a_kitchen_is_as_large_as_a_real_one() -> None:
    fixture = measure_part(BENCHMARK_PARTS['kitchen_kettle'])
    assert fixture.bottom == pytest.approx(0.65 * 1.6)
    spread = np.ptp(fixture.elements[0].operated(), axis=0)
    assert spread[0] == pytest.approx(0.65 * 0.26, abs=1e-3)


def test_a_body_that_is_free_is_lifted() -> None:
    element = measure_part(BENCHMARK_PARTS['kitchen_kettle']).elements[0]
    joint = element.uses[0].joint
    assert joint is not None
    risen = element.operated(joint.displacement(0.1)) - element.operated()
    assert risen == pytest.approx(np.tile([0, 0.1, 0], (len(risen), 1)))


def test_a_part_of_a_smaller_kitchen_is_lower_by_the_same_share() -> None:
    element = measure_part(BENCHMARK_PARTS['kitchen_hinge_cabinet']).elements[0]
    assert element.operated().mean(axis=0) == pytest.approx([0, 0.65 * 2.6, 0], abs=1e-6)


def test_a_door_opens_towards_the_user() -> None:
    element = measure_part(BENCHMARK_PARTS['kitchen_hinge_cabinet']).elements[0]
    joint = element.uses[0].joint
    assert joint is not None
    closed, opened = (
        element.operated(joint.displacement(angle)).mean(axis=0) for angle in (0.0, -1.57)
    )
    assert opened[2] - closed[2] == pytest.approx(0.65 * (0.302 - 0.128), abs=1e-3)


def test_all_that_moves_is_rendered_where_the_joint_takes_it() -> None:
    scene = BenchmarkScene(1, 'kitchen_kettle', held_out=True)
    demonstration = plan_demonstration(scene, 0, size=(96, 72))
    joint = scene.fixture.elements[0].uses[0].joint
    assert joint is not None
    with BenchmarkRenderer(scene, (96, 72)) as renderer:
        masks = [
            renderer.segment(
                demonstration.view.camera, (96, 72), states={0: joint.displacement(height)}
            )
            == 0
            for height in (0.0, 0.05)
        ]
    rows = [np.nonzero(mask)[0].mean() for mask in masks]
    assert rows[1] < rows[0] - 3


def test_no_robot_and_no_table_of_theirs_is_shown() -> None:
    for family in ('kitchen_kettle', 'meta_world_button'):
        scene = BenchmarkScene(1, family, held_out=True)
        view = plan_demonstration(scene, 0, size=(96, 72)).view
        with BenchmarkRenderer(scene, (96, 72)) as renderer:
            image = renderer.render(view.camera, (96, 72)).astype(int)
        green = (image[..., 1] > 100) & (image[..., 0] < 40) & (image[..., 2] < 40)
        assert not green.any()


def test_a_model_without_the_joint_is_refused(packages: Path) -> None:
    path = packages / 'metaworld/assets/objects/buttonbox.xml'
    path.write_text(path.read_text().replace('btnbox_joint', 'other'))
    with pytest.raises(DatasetError, match=r"has no joint or body 'btnbox_joint'; expected"):
        measure_part(BENCHMARK_PARTS['meta_world_button'])


def test_a_model_without_the_material_is_refused(packages: Path) -> None:
    path = packages / 'metaworld/assets/objects/buttonbox.xml'
    path.write_text(path.read_text().replace('btn_red', 'other'))
    with pytest.raises(DatasetError, match='has no moving geom of btn_red; expected'):
        measure_part(BENCHMARK_PARTS['meta_world_button'])


def test_a_model_that_mujoco_cannot_read_is_refused(packages: Path) -> None:
    (packages / 'metaworld/assets/objects/buttonbox.xml').write_text('<mujoco><worldbody>')
    with pytest.raises(DatasetError, match=r'buttonbox\.xml cannot be read as a MuJoCo model'):
        measure_part(BENCHMARK_PARTS['meta_world_button'])


def test_a_missing_model_names_the_package_to_install() -> None:
    with pytest.raises(DatasetError, match=r"pip install --no-deps 'metaworld>=3'"):
        measure_part(BENCHMARK_PARTS['meta_world_dial'])
