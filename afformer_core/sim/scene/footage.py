# SPDX-License-Identifier: Apache-2.0
"""Videos longer than a clip: shots of one demonstration each, one after another.

In a shot the appliance is first seen alone, then the hand comes into the picture, operates an
element and leaves again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afformer_core.sim.bodies.element import CARRIED, MOMENTARY
from afformer_core.sim.bodies.hand import Capsule
from afformer_core.sim.scene.demonstration import Demonstration
from afformer_core.sim.scene.renderer import Renderer
from afformer_core.sim.scene.scene import Scene
from afformer_core.sim.scene.sight import HAND_CAPSULES

# How long a hand takes to come into the picture or to leave it, in seconds, and from how far.
_COMING = 0.5
_FAR = 0.7


@dataclass(frozen=True)
class Shot:
    """What a camera films without a cut.

    Attributes:
        scene: what is seen.
        plan: the demonstration.
        before, action, after: frames without a demonstration, of it, and without it again.
        rate: frames per second.
    """

    scene: Scene
    plan: Demonstration
    before: int
    action: int
    after: int
    rate: float

    def __post_init__(self) -> None:
        if min(self.before, self.after) < 0 or self.action < 1:
            raise ValueError(
                f'a shot has {self.before}, {self.action} and {self.after} frames; none may be '
                'negative, and there must be a demonstration'
            )

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.before + self.action + self.after

    @property
    def contact(self) -> tuple[int, int] | None:
        """The first and the last frame in which the hand is on the element, if there are any."""
        frames = [frame for frame in range(self.frames) if self.in_contact(frame)]
        return (frames[0], frames[-1]) if frames else None

    def time(self, frame: int) -> float:
        """The demonstration's time at a frame, 0 to 1; it stands still before and after it."""
        return float(np.clip((frame - self.before + 0.5) / self.action, 0, 1))

    def in_contact(self, frame: int) -> bool:
        """Whether the hand is on the element; what it carries it holds to the shot's end."""
        return self.plan.motion.in_contact(self.time(frame))

    def hand(self, frame: int) -> list[Capsule]:
        """The hand at a frame; nothing while it is away."""
        idle = max(self.before - frame, frame + 1 - self.before - self.action, 0)
        away = idle / (_COMING * self.rate)
        if self.in_contact(frame):
            away = 0
        if away > 1:
            return []
        capsules = self.plan.capsules(self.scene.appliance, self.time(frame))
        if away == 0:
            return capsules
        arm = capsules[HAND_CAPSULES].end - capsules[HAND_CAPSULES].start
        offset = _FAR * away * arm / np.linalg.norm(arm)
        return [replace(one, start=one.start + offset, end=one.end + offset) for one in capsules]


def in_one_room(plans: Sequence[Demonstration]) -> list[Demonstration]:
    """Demonstrations of one scene, given to one person, lens and room, one after another.

    What one of them has moved for good stays there in those that follow.
    """
    # the room of the lowest camera: seen from below its top, a table would hide the appliance
    room = min(plans, key=lambda plan: float(plan.view.camera.position[1])).view
    person = plans[0].hand
    states = dict(room.states)
    placed = []
    for plan in plans:
        view = replace(room, camera=plan.view.camera, states=dict(states))
        hand = replace(
            plan.hand,
            colour=person.colour,
            sleeve=person.sleeve,
            sleeve_start=person.sleeve_start,
        )
        placed.append(replace(plan, view=view, hand=hand))
        if plan.action not in (*MOMENTARY, *CARRIED):
            states[plan.element] = plan.motion.displacement(1.0)
    return placed


def film(renderer: Renderer, shot: Shot, random: np.random.Generator) -> Iterator[np.ndarray]:
    """The frames of a shot by a renderer of its scene, each uint8 [H, W, 3] RGB."""
    plan = shot.plan
    view = plan.view
    renderer.set_room(view.lighting, view.surroundings)
    for frame in range(shot.frames):
        time = shot.time(frame)
        clean = renderer.render(plan.camera(time), view.size, shot.hand(frame), plan.states(time))
        yield view.sensor.expose(clean, random)
