# SPDX-License-Identifier: Apache-2.0
"""Hands of meshes: fingertips at the contact, sides mirrored, clothes outside of the arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.bodies.hand import INDEX, THUMB, HandAppearance, HandPose
from afformer_sim.hand_mesh.hand_style import HandStyle
from afformer_sim.hand_mesh.posed_hand import PosedHand, blend_skin, hand_topologies, pose_hand

LOOK = HandStyle(
    seed=1,
    colour=(0.8, 0.6, 0.5),
    glove=False,
    polish=None,
    sleeve=(0.1, 0.2, 0.6),
    sleeve_start=0.4,
    sleeve_width=0.01,
    watch=(0.1, 0.1, 0.1),
    ring=3,
    curl=0.8,
)
TIPS = {INDEX: np.array([0.03, 0.11, -0.03]), THUMB: np.array([0.045, 0.06, -0.04])}


def posed(left: bool) -> PosedHand:
    side = np.array([1.0 if left else -1.0, 1.0, 1.0])
    appearance = HandAppearance((0.8, 0.6, 0.5), (0.1, 0.2, 0.6), 0.4, 0.9, left)
    elbow = np.array([0.02, -0.3, 0.05]) * side
    tips = {finger: tip * side for finger, tip in TIPS.items()}
    return pose_hand(appearance, LOOK, HandPose(np.zeros(3), np.eye(3), tips, elbow))


def test_a_fingertip_is_around_the_contact() -> None:
    hand = posed(left=True).surfaces['hand'].vertices
    for tip in TIPS.values():
        # Skin on all sides of the fingertip's middle, within a finger's radius.
        around = hand[np.linalg.norm(hand - tip, axis=1) < 0.014] - tip
        assert len(around) > 10
        assert (around.min(axis=0) < 0.002).all()
        assert (around.max(axis=0) > -0.002).all()


def test_a_right_hand_is_a_left_one_in_the_mirror() -> None:
    left, right = posed(left=True), posed(left=False)
    assert (left.left, right.left) == (True, False)
    for part in ('vertices', 'normals'):
        np.testing.assert_allclose(
            getattr(right.surfaces['hand'], part) * [-1, 1, 1],
            getattr(left.surfaces['hand'], part),
            atol=1e-9,
        )


def test_the_forearm_begins_at_the_hand_and_ends_at_the_elbow() -> None:
    surfaces = posed(left=True).surfaces
    arm, hand = surfaces['arm'].vertices.reshape(22, 25, 3), surfaces['hand'].vertices
    gaps = np.linalg.norm(arm[0][:, None] - hand[None], axis=-1).min(axis=1)
    assert gaps.max() < 0.004
    assert np.linalg.norm(arm[17].mean(axis=0) - [0.02, -0.3, 0.05]) < 0.01


@pytest.mark.parametrize('left', [True, False])
@pytest.mark.parametrize('name', ['arm', 'sleeve', 'strap', 'ring'])
def test_normals_of_tubes_point_outwards(name: str, left: bool) -> None:
    surface = posed(left).surfaces[name]
    rings = surface.vertices.reshape(-1, 25, 3)
    outward = rings - rings.mean(axis=1, keepdims=True)
    agree = (outward.reshape(-1, 3) * surface.normals).sum(axis=1) > 0
    assert agree.mean() > 0.9


@pytest.mark.parametrize('left', [True, False])
def test_faces_turn_as_the_normals_tell_but_those_of_a_right_hand(left: bool) -> None:
    for name, surface in posed(left).surfaces.items():
        faces = hand_topologies()[name].faces
        corners = surface.vertices[faces]
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        agree = ((outward * surface.normals[faces].mean(axis=1)).sum(axis=1) > 0).mean()
        assert agree < 0.01 if name == 'hand' and not left else agree > 0.99


def test_the_sleeve_lies_outside_of_the_arm() -> None:
    surfaces = posed(left=True).surfaces
    radii = {
        name: np.linalg.norm(rings - rings.mean(axis=1, keepdims=True), axis=-1).max()
        for name in ('arm', 'sleeve')
        for rings in [surfaces[name].vertices.reshape(-1, 25, 3)]
    }
    assert 0.004 < radii['sleeve'] - radii['arm'] < 0.02


def test_what_is_not_worn_is_left_out() -> None:
    appearance = HandAppearance((0.8, 0.6, 0.5), None, 0.4, 0.9, True)
    bare = replace(LOOK, sleeve=None, watch=None, ring=None)
    pose = HandPose(np.zeros(3), np.eye(3), {}, np.array([0.0, -0.3, 0.0]))
    assert set(pose_hand(appearance, bare, pose).surfaces) == {'hand', 'arm'}


def test_every_surface_has_as_many_vertices_as_its_topology() -> None:
    surfaces = posed(left=True).surfaces
    topologies = hand_topologies()
    assert set(surfaces) == set(topologies)
    for name, topology in topologies.items():
        assert len(surfaces[name].vertices) == len(topology.coordinates)
        assert len(surfaces[name].normals) == len(topology.coordinates)
        assert topology.faces.max() < len(topology.coordinates)


def test_a_vertex_between_two_joints_goes_half_way() -> None:
    still = np.concatenate([np.eye(3), np.zeros((3, 1))], axis=1)
    moved = np.concatenate([np.eye(3), [[0.2], [0.0], [0.0]]], axis=1)
    vertices, normals = blend_skin(
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[0.0, 0.0, 1.0]]),
        np.array([[0.5, 0.5]]),
        np.stack([still, moved]),
    )
    np.testing.assert_allclose(vertices, [[1.1, 2.0, 3.0]])
    np.testing.assert_allclose(normals, [[0.0, 0.0, 1.0]])
