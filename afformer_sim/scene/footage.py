# SPDX-License-Identifier: Apache-2.0
"""Videos longer than a clip: consecutive shots of one demonstration each.

A shot first shows the fixture alone. The hand then comes into view, operates an element and leaves
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import CARRIED, MOMENTARY
from afformer_sim.bodies.hand import Capsule
from afformer_sim.scene.demonstration import SimulatedDemonstration
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.visibility import HAND_CAPSULES

# Seconds that a hand takes to come into view or to leave it, and its initial distance in metres.
_COMING = 0.5
_FAR = 0.7


@dataclass(frozen=True)
class Shot:
    """Continuous take of one demonstration.

    Attributes:
        scene: scene that is filmed.
        demonstration: the demonstration.
        before, action, after: numbers of frames before, during and after the demonstration.
        rate: frames per second.

    Raises:
        ValueError: a number of frames is negative, or the demonstration has none.
    """

    scene: Scene
    demonstration: SimulatedDemonstration
    before: int
    action: int
    after: int
    rate: float

    def __post_init__(self) -> None:
        if min(self.before, self.after) < 0 or self.action < 1:
            raise ValueError(
                f'frames before, of and after the action are {self.before}, {self.action} and '
                f'{self.after}; none may be negative, and the action needs at least one'
            )

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.before + self.action + self.after

    @property
    def contact(self) -> tuple[int, int] | None:
        """First and last frame in which the hand is on the element, or None."""
        frames = [frame for frame in range(self.frames) if self.in_contact(frame)]
        return (frames[0], frames[-1]) if frames else None

    def time(self, frame: int) -> float:
        """Return the demonstration's time at a frame, 0 to 1; constant before and after it."""
        return float(np.clip((frame - self.before + 0.5) / self.action, 0, 1))

    def in_contact(self, frame: int) -> bool:
        """Check whether the hand is on the element; it holds a carried one to the shot's end."""
        return self.demonstration.motion.in_contact(self.time(frame))

    def hand(self, frame: int) -> list[Capsule]:
        """Return the hand's capsules at a frame; none while it is out of view."""
        idle = max(self.before - frame, frame + 1 - self.before - self.action, 0)
        away = idle / (_COMING * self.rate)
        if self.in_contact(frame):
            away = 0
        if away > 1:
            return []
        capsules = self.demonstration.capsules(self.scene.fixture, self.time(frame))
        if away == 0:
            return capsules
        arm = capsules[HAND_CAPSULES].end - capsules[HAND_CAPSULES].start
        offset = _FAR * away * arm / np.linalg.norm(arm)
        return [
            replace(capsule, start=capsule.start + offset, end=capsule.end + offset)
            for capsule in capsules
        ]


def in_one_room(demonstrations: Sequence[SimulatedDemonstration]) -> list[SimulatedDemonstration]:
    """Give demonstrations of one scene the same person, lens and room, one after another.

    An element that one of them has moved permanently stays there in the following ones.
    """
    # the room of the lowest camera: seen from below its top, a table would hide the fixture
    room = min(
        demonstrations, key=lambda demonstration: float(demonstration.view.camera.position[1])
    ).view
    person = demonstrations[0].hand
    states = dict(room.states)
    placed = []
    for demonstration in demonstrations:
        view = replace(room, camera=demonstration.view.camera, states=dict(states))
        hand = replace(
            demonstration.hand,
            colour=person.colour,
            sleeve=person.sleeve,
            sleeve_start=person.sleeve_start,
        )
        placed.append(replace(demonstration, view=view, hand=hand))
        if demonstration.action not in (*MOMENTARY, *CARRIED):
            states[demonstration.element] = demonstration.motion.displacement(1.0)
    return placed


def film(renderer: Renderer, shot: Shot, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Render the frames of a shot by a renderer of its scene, each uint8 [H, W, 3] RGB."""
    demonstration = shot.demonstration
    view = demonstration.view
    renderer.set_room(view.lighting, view.surroundings)
    for frame in range(shot.frames):
        time = shot.time(frame)
        clean = renderer.render(
            demonstration.camera(time), view.size, shot.hand(frame), demonstration.states(time)
        )
        yield view.sensor.expose(clean, rng)
