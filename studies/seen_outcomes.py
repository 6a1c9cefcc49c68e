# SPDX-License-Identifier: Apache-2.0
"""Share of movements that a camera tells from two images.

The images are those of the simulated robot's camera before and after its arm has acted: of the
part as before, of the part on its way or at its goal, and of another part that has moved.

    python -m studies.seen_outcomes --scenes 160 --seed 7307
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.changes.outcome import Expected, Seen, expected_after, judge_outcome
from afformer_core.offline.reports.tables import Table
from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld, WorldSnapshot
from afformer_sim.bodies.solid import STILL
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.dynamics import mechanisms
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.scene.view import front_centre

# Shares of the way to the goal, by the names of the rows.
SHARES: Mapping[str, float] = {
    'not moved': 0.0,
    '15 % of the way': 0.15,
    '30 % of the way': 0.3,
    '60 % of the way': 0.6,
    'at the goal': 1.0,
}
OTHER = 'another part at its goal'
# Share of the image's width that is the radius of a part's surroundings.
_RADIUS = 0.05


@dataclass(frozen=True)
class ComparedImages:
    """Two images before and after, and what the camera should see.

    Attributes:
        state: row of the table.
        before, after: uint8 RGB [H, W, 3].
        pixel: (x, y) of the part at which the arm acts.
    """

    state: str
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    pixel: tuple[float, float]

    def seen(self) -> Seen:
        """Compare the images."""
        radius = _RADIUS * self.before.shape[1]
        compared = ([self.before], [self.after])
        return judge_outcome(*compared, self.pixel, radius, Expected.VISIBLE).seen


def compared_images(trial: PlannedTrial) -> Iterator[ComparedImages]:
    """Yield the images of a trial; none if its action changes nothing that lasts."""
    if expected_after(trial.task.action) is Expected.NOTHING:
        return
    world = ArmWorld(trial)
    parts = mechanisms(trial.scene.fixture, trial.task)
    snapshot = world.snapshot()
    element = trial.task.element
    centre = front_centre(trial.scene.fixture.elements[element], trial.states.get(element, STILL))
    x, y = trial.view.pixels(centre[None])[0].tolist()

    def moved(index: int, share: float) -> WorldSnapshot:
        part, states = parts[index], dict(trial.states)
        if part.joint is not None:
            value = part.start + share * (part.goal - part.start)
            states[index] = part.joint.displacement(value)
        return WorldSnapshot(snapshot.time, snapshot.joints, states)

    states = {state: moved(element, share) for state, share in SHARES.items()}
    others = [i for i, part in enumerate(parts) if i != element and part.joint is not None]
    if others:
        states[OTHER] = moved(others[trial.index % len(others)], 1.0)
    with ArmCameras(world, DepthCamera(0.0, 0.0)) as cameras:
        before = cameras.capture(snapshot).image
        for state, after in states.items():
            yield ComparedImages(state, before, cameras.capture(after).image, (x, y))


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, compare and count; print the table."""
    parser = argparse.ArgumentParser(description='Count what a camera sees of actions.')
    parser.add_argument('--scenes', type=int, default=160, help='number of scenes')
    parser.add_argument('--seed', type=int, default=7307, help='seed of the scenes')
    options = parser.parse_args(arguments)
    settings = ClosedLoopSettings(scenes=options.scenes, seed=options.seed)
    counts: dict[str, Counter[Seen]] = {state: Counter() for state in (*SHARES, OTHER)}
    for index in tqdm(range(settings.scenes), unit='scene'):
        for images in compared_images(plan_trials(settings, index)[0]):
            counts[images.state][images.seen()] += 1
    columns = {seen.name.lower(): seen.value for seen in Seen if seen is not Seen.NOT_VISIBLE}
    rows = {
        state: {seen.name.lower(): count[seen] for seen in Seen} for state, count in counts.items()
    }
    print(Table.of('What the camera sees', columns, rows).to_markdown())
    return 0


if __name__ == '__main__':
    sys.exit(main())
