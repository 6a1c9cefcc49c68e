# SPDX-License-Identifier: Apache-2.0
import numpy as np

from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.outputs.affordance import grasp_candidates_message

from ..messages.conftest import header_of


def test_poses_in_their_order(factory):
    candidates = [
        GraspCandidate(np.array([1.0, 2.0, 3.0]), np.array([0.5, -0.5, 0.5, 0.5]), 0.75),
        GraspCandidate(np.array([4.0, 5.0, 6.0]), np.array([1.0, 0.0, 0.0, 0.0]), 0.25),
    ]
    message = grasp_candidates_message(factory, candidates, header_of(factory))
    poses = [
        (p.position.x, p.position.y, p.position.z, o.x, o.y, o.z, o.w)
        for p, o in ((pose, pose.orientation) for pose in message.poses)
    ]
    assert poses == [(1, 2, 3, 0.5, -0.5, 0.5, 0.5), (4, 5, 6, 1, 0, 0, 0)]
    assert message.header == header_of(factory)


def test_no_candidates(factory):
    assert list(grasp_candidates_message(factory, [], header_of(factory)).poses) == []
