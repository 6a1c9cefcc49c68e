# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of a scene: a hand operates an element, and the clip of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import ACTIONS, Appliance
from afformer_core.sim.camera import Camera
from afformer_core.sim.grasp import Grasp, sample_grasp
from afformer_core.sim.hand import Capsule, HandAppearance, hand_capsules, sample_appearance
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.motion import Motion, sample_motion
from afformer_core.sim.renderer import ElementState, Renderer
from afformer_core.sim.seeds import Stream, generator
from afformer_core.sim.view import View, frame_times, sample_view


@dataclass(frozen=True)
class Demonstration:
    """A hand that operates one element of an appliance, as a camera sees it.

    Attributes:
        element: index of the element.
        motion, hand, grasp: how it is operated.
        view: the camera at the clip's middle.
        drift: [2, 3], how far the camera moves (metres) and turns (radians) during the clip.
    """

    element: int
    motion: Motion
    hand: HandAppearance
    grasp: Grasp
    view: View
    drift: np.ndarray

    @property
    def action(self) -> str:
        """One out of `ACTIONS`."""
        return self.motion.action

    def camera(self, time: float) -> Camera:
        """The camera at a time from 0 to 1."""
        return self.view.camera.moved(*(self.drift * (time - 0.5)))

    def capsules(self, appliance: Appliance, time: float) -> list[Capsule]:
        """The hand at a time from 0 to 1."""
        element = appliance.elements[self.element]
        at = min(max(time, self.motion.start), self.motion.end)
        pose = self.grasp.pose(
            element,
            self.motion.hand_offset(time),
            self.motion.openness(time),
            self.motion.travel(at),
            self.motion.turn(at),
        )
        return hand_capsules(self.hand, pose)

    def state(self, time: float) -> ElementState:
        """The element at a time from 0 to 1."""
        return ElementState(self.motion.travel(time), self.motion.turn(time))


def choose_elements(scene_seed: int, count: int) -> list[int]:
    """Indices of `count` different elements of a scene, each as likely as any other."""
    elements = len(generate_appliance(scene_seed).elements)
    if count > elements:
        raise ValueError(f'the appliance has {elements} elements, fewer than {count}')
    random = generator(scene_seed, Stream.CHOICE)
    return [int(i) for i in random.permutation(elements)[:count]]


def plan_demonstration(
    scene_seed: int,
    element: int,
    longest_side: int = 256,
    size: tuple[int, int] | None = None,
    action: str | None = None,
    performance: int = 0,
) -> Demonstration:
    """The demonstration of an element of a scene: always the same for the same arguments.

    Args:
        scene_seed: the scene's.
        element: index of the element.
        longest_side: of the picture, whose aspect is random.
        size: (width, height) of the picture instead.
        action: one that the element affords; random where it is None.
        performance: which of the element's demonstrations, from 0: each has its own person, way
            and camera.
    """
    appliance = generate_appliance(scene_seed)
    target = appliance.elements[element]
    if performance:
        random = generator(scene_seed, Stream.PERFORMANCE, element, performance)
    else:
        random = generator(scene_seed, Stream.DEMONSTRATION, element)
    drawn = target.kind.actions[int(random.integers(2))]
    motion = sample_motion(target, action or drawn, random)
    hand = sample_appearance(random)
    view = sample_view(appliance, random, longest_side, size)
    drift = np.zeros((2, 3))
    if random.random() < 0.5:
        drift = random.normal(0, 1, (2, 3)) * [[0.012], [0.015]]
    for _ in range(30):
        plan = Demonstration(
            element, motion, hand, sample_grasp(target, hand, random), view, drift
        )
        if _leaves_view_free(appliance, plan):
            break
    return plan


def render_demonstration(
    scene_seed: int,
    element: int,
    frames: int = 8,
    size: tuple[int, int] | None = None,
    action: str | None = None,
) -> np.ndarray:
    """A demonstration's clip: uint8 [frames, H, W, 3] RGB. See `plan_demonstration`."""
    plan = plan_demonstration(scene_seed, element, size=size, action=action)
    with Renderer(generate_appliance(scene_seed), scene_seed, plan.view.size) as renderer:
        return render_clip(renderer, scene_seed, plan, frames)


def render_clip(
    renderer: Renderer, scene_seed: int, plan: Demonstration, frames: int
) -> np.ndarray:
    """A demonstration's clip by a renderer of its scene: uint8 [frames, H, W, 3] RGB."""
    appliance = generate_appliance(scene_seed)
    random = generator(scene_seed, Stream.DEMONSTRATION, plan.element, frames)
    view = plan.view
    renderer.set_room(view.lighting, view.surroundings)
    return np.stack(
        [
            view.sensor.expose(
                renderer.render(
                    plan.camera(time),
                    view.size,
                    plan.capsules(appliance, time),
                    {plan.element: plan.state(time)},
                ),
                random,
            )
            for time in frame_times(frames).tolist()
        ]
    )


def action_index(action: str) -> int:
    """Where an action is in `ACTIONS`."""
    return ACTIONS.index(action)


def _leaves_view_free(appliance: Appliance, plan: Demonstration) -> bool:
    """Whether the arm in contact stays clear of the camera and of the line to the element."""
    camera = plan.camera(0.5)
    element = appliance.elements[plan.element]
    front = np.array([element.x, element.y, element.depth])
    sight = front - camera.position
    distance = float(np.linalg.norm(sight))
    points = np.concatenate(
        [
            np.linspace(capsule.start, capsule.end, 6)
            for capsule in plan.capsules(appliance, (plan.motion.start + plan.motion.end) / 2)
        ]
    )
    along = (points - camera.position) @ (sight / distance)
    aside = np.linalg.norm(points - camera.position - np.outer(along, sight / distance), axis=1)
    near = (along < 0.5 * distance) & (aside < 0.45 * along.clip(0) + 0.05)
    # palm and forearm rather than the fingers themselves may hide the element
    hiding = (along < distance - 0.03) & (aside < 0.02)
    return not near.any() and hiding.sum() < 4
