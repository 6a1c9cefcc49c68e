# SPDX-License-Identifier: Apache-2.0
"""Textures of hands: nails, a lighter palm, gloves without either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.bodies.hand import HandAppearance
from afformer_sim.hand_mesh.hand_rig import load_hand_rig
from afformer_sim.hand_mesh.hand_style import HandStyle, sample_hand_style
from afformer_sim.hand_mesh.skin_texture import map_texels, paint_arm, paint_hand, paint_sleeve

DARK = HandStyle(
    seed=4,
    colour=(0.31, 0.20, 0.15),
    glove=False,
    polish=(0.9, 0.0, 0.1),
    sleeve=(0.1, 0.2, 0.6),
    sleeve_start=0.4,
    sleeve_width=0.01,
    watch=None,
    ring=None,
    curl=1.0,
)


def colour_at(image: np.ndarray, point: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Mean colour of the texture where the mesh is nearest to a point, on the side of a normal."""
    rig = load_hand_rig()
    facing = rig.normals @ normal > 0.5
    distance = np.where(facing, np.linalg.norm(rig.vertices - point, axis=1), np.inf)
    column, row = (rig.coordinates[distance.argmin()] * 512).astype(int)
    return image[row - 2 : row + 3, column - 2 : column + 3].mean(axis=(0, 1)) / 255


def test_polished_nails_are_on_the_back_of_the_fingertips() -> None:
    rig, image = load_hand_rig(), paint_hand(DARK)
    for chain in rig.chains[1:]:
        tip, back = rig.joints[chain[-1]], rig.dorsal[chain[-2]]
        red, green, _ = colour_at(image, tip + 0.006 * back, back)
        assert red > 0.6
        assert green < 0.25


def test_the_palm_of_dark_skin_is_lighter_than_its_back() -> None:
    image = paint_hand(DARK)
    up = np.array([0.0, 0.0, 1.0])
    back = colour_at(image, np.array([0.0, 0.0, 0.02]), up)
    palm = colour_at(image, np.array([0.0, 0.0, -0.02]), -up)
    assert palm.mean() > back.mean() + 0.1


def test_a_glove_is_of_one_colour() -> None:
    image = paint_hand(replace(DARK, glove=True, colour=(0.25, 0.45, 0.75))) / 255
    np.testing.assert_allclose(image.mean(axis=(0, 1)), [0.25, 0.45, 0.75], atol=0.03)
    assert np.abs(image - [0.25, 0.45, 0.75]).max() < 0.25


@pytest.mark.parametrize('paint', [paint_hand, paint_arm, paint_sleeve])
def test_equal_styles_are_painted_alike_and_other_seeds_otherwise(paint) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_array_equal(paint(DARK), paint(replace(DARK)))
    assert (paint(DARK) != paint(replace(DARK, seed=5))).any()


def test_styles_keep_the_sleeve_and_differ_in_what_is_worn() -> None:
    appearance = HandAppearance((0.8, 0.6, 0.5), (0.1, 0.2, 0.6), 0.4, 0.9, True)
    rng = np.random.default_rng(0)
    styles = [sample_hand_style(appearance, rng) for _ in range(200)]
    assert {style.sleeve for style in styles} == {(0.1, 0.2, 0.6)}
    assert 5 < sum(style.glove for style in styles) < 40
    assert 30 < sum(style.watch is not None for style in styles) < 90
    assert not any(style.glove and (style.watch or style.ring) for style in styles)


def test_a_texture_pixel_shows_the_point_of_the_triangle_that_covers_it() -> None:
    vertices = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    normals = np.tile([0.0, 0.0, 1.0], (3, 1))
    coordinates = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    texels = map_texels(vertices, normals, coordinates, np.array([[0, 1, 2]]), 8)
    np.testing.assert_allclose(texels.positions[2, 4], [4.5 / 8, 2.5 / 8, 0], atol=1e-6)
    # Beside the triangle: its nearest point.
    assert texels.positions[7, 7, 0] + texels.positions[7, 7, 1] == pytest.approx(1, abs=0.15)
