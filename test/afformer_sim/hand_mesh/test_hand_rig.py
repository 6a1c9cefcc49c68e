# SPDX-License-Identifier: Apache-2.0
"""The shipped mesh of a hand: read from glTF, in the palm's axes, open at the wrist."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from afformer_sim.bodies.hand import INDEX, LITTLE, THUMB, HandAppearance, knuckle
from afformer_sim.hand_mesh.glb import read_skinned_mesh
from afformer_sim.hand_mesh.hand_rig import load_hand_rig

LEFT = HandAppearance((0.8, 0.6, 0.5), None, 0.3, 1.0, left=True)


def test_the_knuckles_are_where_the_hand_of_capsules_has_them() -> None:
    rig = load_hand_rig()
    for finger in (INDEX, LITTLE):
        found = rig.joints[rig.chains[finger][1]]
        assert np.linalg.norm(found - knuckle(LEFT, finger)) < 0.012
    # The thumb of a left hand is on the side of x.
    assert rig.joints[rig.chains[THUMB][1], 0] > 0.03


def test_chains_run_from_the_wrist_to_the_tips() -> None:
    rig = load_hand_rig()
    assert [len(chain) for chain in rig.chains] == [4, 5, 5, 5, 5]
    for chain in rig.chains:
        heights = rig.joints[list(chain), 1]
        assert (np.diff(heights) > 0.005).all()


def test_the_mesh_is_open_at_the_wrist_alone() -> None:
    rig = load_hand_rig()
    opening = rig.vertices[rig.border]
    assert len(rig.border) == 20
    assert opening[:, 1].max() < -0.05
    # A closed line: its ends are neighbours.
    steps = np.linalg.norm(np.diff(opening, axis=0, append=opening[:1]), axis=1)
    assert steps.max() < 0.015


def test_normals_point_out_of_the_hand() -> None:
    rig = load_hand_rig()
    corners = rig.vertices[rig.faces]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    agree = (outward * rig.normals[rig.faces[:, 0]]).sum(axis=1) > 0
    assert agree.mean() > 0.99


def test_a_file_that_is_no_glb_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'hand.glb'
    path.write_bytes(b'PK\x03\x04 something else')
    with pytest.raises(ValueError, match=r'hand.glb does not begin with glTF'):
        read_skinned_mesh(path)


def test_a_glb_without_a_skin_is_named(tmp_path: Path) -> None:
    text = b'{"asset": {"version": "2.0"}}   '
    chunks = struct.pack('<I4s', len(text), b'JSON') + text + struct.pack('<I4s', 0, b'BIN\0')
    path = tmp_path / 'cube.glb'
    path.write_bytes(struct.pack('<4sII', b'glTF', 2, 12 + len(chunks)) + chunks)
    with pytest.raises(ValueError, match=r'cube.glb has no skinned mesh'):
        read_skinned_mesh(path)
