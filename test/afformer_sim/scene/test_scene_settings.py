# SPDX-License-Identifier: Apache-2.0
"""Which fixtures a dataset shows."""

from collections import Counter

from afformer_sim.scene.scene_settings import SceneSettings


def test_a_family_that_is_named_twice_is_drawn_twice_as_often() -> None:
    demonstration = SceneSettings(seed=3, scenes=600, families=('mugs', 'faucets', 'faucets'))
    drawn = Counter(demonstration.scene(index).family for index in range(demonstration.scenes))
    assert set(drawn) == {'mugs', 'faucets'}
    assert 350 <= drawn['faucets'] <= 450


def test_a_scene_depends_on_its_number_alone() -> None:
    few, many = (SceneSettings(seed=3, scenes=count).scene(4) for count in (5, 500))
    assert (few.seed, few.family) == (many.seed, many.family)
