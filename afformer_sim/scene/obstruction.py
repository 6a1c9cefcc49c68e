# SPDX-License-Identifier: Apache-2.0
"""Parts of an arm that hide the operated element, block the camera, or lie below the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.hand import Capsule
from afformer_sim.cameras.camera import Camera

# Number of tested positions along a capsule.
_ALONG = np.linspace(0, 1, 6)


def count_misplaced(
    fixture: Fixture, capsules: Sequence[Capsule], camera: Camera, front: np.ndarray
) -> int:
    """Count points of an arm that hide an element or the camera, or lie below the table.

    Args:
        fixture: the fixture.
        capsules: the hand's capsules.
        camera: camera that sees them.
        front: [3] metres, the middle of the element's front.

    Returns: number of points; 0 if the arm does not obstruct the view.
    """
    line_of_sight = front - camera.position
    distance = float(np.linalg.norm(line_of_sight))
    starts = np.array([capsule.start for capsule in capsules])
    ends = np.array([capsule.end for capsule in capsules])
    points = (starts[:, None] + _ALONG[:, None] * (ends - starts)[:, None]).reshape(-1, 3)
    along = (points - camera.position) @ (line_of_sight / distance)
    aside = np.linalg.norm(
        points - camera.position - np.outer(along, line_of_sight / distance), axis=1
    )
    near = (along < 0.5 * distance) & (aside < 0.45 * along.clip(0) + 0.05)
    # the palm and forearm are more likely to hide the element than the fingers
    hiding = (along < distance - 0.03) & (aside < 0.02)
    below = points[:, 1] < fixture.bottom + 0.005
    stands = fixture.panel is None
    return int(near.sum() + max(hiding.sum() - 3, 0) + (below.sum() if stands else 0))
